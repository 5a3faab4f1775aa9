#pragma once

#include <napi.h>

#include "ner_retriever/search.h"

// 'float32', 'bfloat16' or 'int8'; throws a TypeError for anything else.
ner_precision precision(const Napi::Value &value);

// How many dimensions rows of the precision may have; throws a RangeError.
size_t dimensions_of(const Napi::Value &value, ner_precision precision);
