#pragma once

#include <cstddef>

namespace {

// Mean pooling: rows [count, dimensions] -> out [dimensions]. Column vectors are summed down the rows in registers, so
// that each row is read once and out is written once.
template <class Lanes>
void mean_rows(const float *rows, size_t count, size_t dimensions, float *out) {
  const auto divisor = Lanes::broadcast(static_cast<float>(count));
  size_t column = 0;
  for (; column + Lanes::width <= dimensions; column += Lanes::width) {
    auto sum = Lanes::load(rows + column);
    for (size_t row = 1; row < count; ++row) sum = sum + Lanes::load(rows + row * dimensions + column);
    Lanes::store(out + column, sum / divisor);
  }
  for (; column < dimensions; ++column) {
    float sum = rows[column];
    for (size_t row = 1; row < count; ++row) sum += rows[row * dimensions + column];
    out[column] = sum / static_cast<float>(count);
  }
}

}  // namespace
