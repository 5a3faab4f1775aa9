#pragma once

#include <napi.h>

#include "ner_retriever/pooling.h"

// A pooling by its name; a TypeError for another.
ner_pooling pooling_argument(const Napi::Value &value);
