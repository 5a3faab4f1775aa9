#pragma once

#include <cstddef>

namespace ner_retriever {

// How far a row's int8 score may be from its float32 score, for one query and one segment (int8_scan.h has the
// derivation): error * error_factor + rest, with the row's error.
struct Int8Bound {
  float query_scale;  // the int8 score is the whole-number dot * the row's scale * this
  float error_factor;
  float rest;
};

struct QuantisedQuery {
  float scale;
  float length;  // ‖q‖, rounded up; infinite where the query does not fit
  float error;   // ‖q - q'‖, rounded up
};

Int8Bound int8_bound(const QuantisedQuery &query, float longest, size_t dimensions) noexcept;

// The least float that is not below `value`, which is a norm in double: its own rounding is allowed for.
float round_up(double value) noexcept;

// ‖values‖, rounded up.
float length_of(const float *values, size_t count) noexcept;

}  // namespace ner_retriever
