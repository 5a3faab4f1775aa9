#pragma once

#include <napi.h>

#include "ner_retriever/pooling.h"

// A pooling by its name; a TypeError for another.
ner_pooling pooling_argument(const Napi::Value &value);

// How many columns the vectors of token rows of `dimensions` columns have.
size_t pooled_columns(ner_pooling pooling, size_t dimensions);
