#pragma once

#include <cstddef>
#include <cstdint>

#include "int8_bound.h"

namespace {

// The int8 scores of one query plus how far each may be off. The compiler makes vectors of it: nothing depends on the
// order, and the bound allows for every rounding.
inline void int8_upper_bounds(const int32_t *dots, const float *scales, const float *errors, size_t count,
                              ner_retriever::Int8Bound bound, float *__restrict uppers) {
  for (size_t row = 0; row < count; ++row)
    uppers[row] = static_cast<float>(dots[row]) * scales[row] * bound.query_scale +
                  (errors[row] * bound.error_factor + bound.rest);
}

}  // namespace
