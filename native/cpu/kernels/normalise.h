#pragma once

#include <cstddef>

namespace {

// row [dimensions] / its L2 norm -> out. Squares are summed in double: no float32 row can overflow or vanish.
// A zero row stays zero; one NaN makes the whole row NaN.
template <class Lanes>
void normalise(const float *row, size_t dimensions, float *out) {
  constexpr size_t parts = 8;
  double sums[parts] = {};
  size_t i = 0;
  for (; i + parts <= dimensions; i += parts)
    for (size_t part = 0; part < parts; ++part) {
      const double value = static_cast<double>(row[i + part]);
      sums[part] += value * value;
    }
  for (; i < dimensions; ++i) sums[0] += static_cast<double>(row[i]) * static_cast<double>(row[i]);

  double sum = 0;
  for (size_t part = 0; part < parts; ++part) sum += sums[part];
  const double factor = sum == 0 ? 0 : 1 / __builtin_sqrt(sum);
  for (i = 0; i < dimensions; ++i) out[i] = static_cast<float>(static_cast<double>(row[i]) * factor);
}

}  // namespace
