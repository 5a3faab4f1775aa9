#pragma once

#include <napi.h>

#include "ner_retriever/instruction_set.h"

// What one environment (the main thread, or one worker thread) keeps. There is no other state: nothing here is global.
struct Environment {
  ner_instruction_set instruction_set;

  static const Environment &of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};
