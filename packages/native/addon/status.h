#pragma once

#include <napi.h>

#include "ner_retriever/status.h"

// Throws what a failed call of the library says: RangeError for an argument that cannot be, Error for the rest.
inline void throw_on_failure(Napi::Env env, ner_status status) {
  if (status == NER_OK) return;
  if (status == NER_INVALID_ARGUMENT) throw Napi::RangeError::New(env, ner_last_error());
  const Napi::Error error = Napi::Error::New(env, ner_last_error());
  if (status == NER_OUT_OF_MEMORY) error.Set("code", Napi::String::New(env, "OUT_OF_MEMORY"));
  throw error;
}
