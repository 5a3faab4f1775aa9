#pragma once

#include <cstddef>

namespace {

// The micro-kernel of the projection: c [Rows, Vectors * width] += a * b, held in registers for the whole depth.
// a: packed [depth, Rows]; b: packed [depth, Vectors * width]; c: rows `stride` apart.
// Every element is one chain of multiply-adds over the depth in order, so a row's result does not depend on the tile
// it fell into, and cutting the depth into blocks changes nothing either.
template <class Lanes, size_t Rows, size_t Vectors>
void matmul_tile(const float *a, const float *b, size_t depth, float *c, size_t stride) {
  typename Lanes::Vector sums[Rows][Vectors];
#pragma GCC unroll 16
  for (size_t row = 0; row < Rows; ++row)
#pragma GCC unroll 4
    for (size_t vector = 0; vector < Vectors; ++vector)
      sums[row][vector] = Lanes::load(c + row * stride + vector * Lanes::width);

  for (size_t step = 0; step < depth; ++step) {
    typename Lanes::Vector columns[Vectors];
#pragma GCC unroll 4
    for (size_t vector = 0; vector < Vectors; ++vector) columns[vector] = Lanes::load(b + vector * Lanes::width);
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const auto factor = Lanes::broadcast(a[row]);
#pragma GCC unroll 4
      for (size_t vector = 0; vector < Vectors; ++vector)
        sums[row][vector] = Lanes::multiply_add(factor, columns[vector], sums[row][vector]);
    }
    a += Rows;
    b += Vectors * Lanes::width;
  }

#pragma GCC unroll 16
  for (size_t row = 0; row < Rows; ++row)
#pragma GCC unroll 4
    for (size_t vector = 0; vector < Vectors; ++vector)
      Lanes::store(c + row * stride + vector * Lanes::width, sums[row][vector]);
}

}  // namespace
