#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "int8_bound.h"
#include "last_error.h"
#include "ner_retriever/int8_scan.h"

namespace {

using namespace ner_retriever;

// Within these, no product of two scales and a whole number can vanish or overflow in float32.
constexpr float least_component = 0x1p-40f;
constexpr float most_component = 0x1p40f;
constexpr float most_code = 127.0f;

// The largest magnitude; NaN where there is one.
float largest_component(const float *row, size_t dimensions) {
  float largest = 0;
  for (size_t i = 0; i < dimensions; ++i) {
    const float magnitude = std::fabs(row[i]);
    if (!(magnitude <= largest)) largest = magnitude;
    if (largest != largest) break;
  }
  return largest;
}

// Returns the length of the quantised row.
double quantise_row(const float *row, size_t dimensions, int8_t *codes, float *scale, float *error) {
  const float largest = largest_component(row, dimensions);
  if (!(largest > least_component && largest <= most_component)) {
    std::fill_n(codes, dimensions, int8_t{0});
    *scale = 0;
    *error = largest <= least_component ? length_of(row, dimensions) : std::numeric_limits<float>::infinity();
    return 0;
  }
  *scale = largest / most_code;
  const float inverse = most_code / largest;
  double error_squares = 0;
  int64_t code_squares = 0;
  for (size_t i = 0; i < dimensions; ++i) {
    const float exact = std::clamp(row[i] * inverse, -most_code, most_code);
    const int code = static_cast<int>(exact + (exact < 0 ? -0.5f : 0.5f));
    codes[i] = static_cast<int8_t>(code);
    const double lost = static_cast<double>(row[i]) - static_cast<double>(*scale) * code;
    error_squares += lost * lost;
    code_squares += code * code;
  }
  *error = round_up(std::sqrt(error_squares));
  return static_cast<double>(*scale) * std::sqrt(static_cast<double>(code_squares));
}

}  // namespace

ner_status ner_int8_quantise(const float *rows, size_t row_count, size_t dimensions, int8_t *codes, float *scales,
                             float *errors, float *longest) {
  try {
    if (dimensions == 0 || dimensions > NER_INT8_MOST_DIMENSIONS)
      return fail(NER_INVALID_ARGUMENT, "expected 1 to " + std::to_string(NER_INT8_MOST_DIMENSIONS) +
                                            " dimensions, got " + std::to_string(dimensions));
    double length = 0;
    for (size_t row = 0; row < row_count; ++row)
      length = std::max(length, quantise_row(rows + row * dimensions, dimensions, codes + row * dimensions,
                                             scales + row, errors + row));
    *longest = round_up(length);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
