#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

// As score_block.h, over rows of bfloat16: scores[q * stride + r] = rows[r] · queries[q]. A bfloat16 is the upper half of a
// float32, so that two neighbours become two floats by a shift and by a mask, without a move across lanes. Queries are laid
// out to suit: of each 2 * width values the even ones, then the odd ones, zeros at the end, `query_stride` apart.
//
// The query is float32, and so is every product and sum. The instruction of AVX-512 BF16 takes a bfloat16 query: a float32
// one would be two of them, which takes as many multiplications as this and is less exact.
template <class Lanes, size_t Rows, size_t Queries>
void halves_tile(const uint16_t *rows, size_t dimensions, const float *queries, size_t query_stride, float *scores,
                 size_t stride) {
  using Vector = typename Lanes::Vector;
  using Bits = typename Lanes::Bits;
  constexpr size_t step = 2 * Lanes::width;
  Vector sums[Queries][Rows];
#pragma GCC unroll 16
  for (size_t query = 0; query < Queries; ++query)
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) sums[query][row] = Lanes::broadcast(0.0f);

  const auto add = [&](size_t i, const auto &load) __attribute__((always_inline)) {
    Vector even_queries[Queries], odd_queries[Queries];
#pragma GCC unroll 16
    for (size_t query = 0; query < Queries; ++query) {
      even_queries[query] = Lanes::load(queries + query * query_stride + i);
      odd_queries[query] = Lanes::load(queries + query * query_stride + i + Lanes::width);
    }
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const Bits pairs = load(rows + row * dimensions + i);
      const Vector even = reinterpret_cast<Vector>(pairs << 16);
      const Vector odd = reinterpret_cast<Vector>(pairs & -65536);
#pragma GCC unroll 16
      for (size_t query = 0; query < Queries; ++query) {
        sums[query][row] = Lanes::multiply_add(even, even_queries[query], sums[query][row]);
        sums[query][row] = Lanes::multiply_add(odd, odd_queries[query], sums[query][row]);
      }
    }
  };
  const size_t whole = dimensions - dimensions % step;
  for (size_t i = 0; i < whole; i += step)
    add(i, [](const uint16_t *from) {
      Bits pairs;
      std::memcpy(&pairs, from, sizeof pairs);
      return pairs;
    });
  if (whole < dimensions)
    add(whole, [rest = dimensions - whole](const uint16_t *from) {
      Bits pairs = {};
      std::memcpy(&pairs, from, rest * sizeof *from);
      return pairs;
    });

#pragma GCC unroll 16
  for (size_t query = 0; query < Queries; ++query) {
    float *to = scores + query * stride;
    size_t row = 0;
#pragma GCC unroll 4
    for (; row + 4 <= Rows; row += 4) Lanes::store_four_sums(to + row, &sums[query][row]);
#pragma GCC unroll 4
    for (; row < Rows; ++row) to[row] = Lanes::sum(sums[query][row]);
  }
}

template <class Lanes, size_t Rows, size_t Queries>
void halves_queries(const uint16_t *rows, size_t row_count, size_t dimensions, const float *queries, size_t query_stride,
                    float *scores, size_t stride) {
  size_t row = 0;
  for (; row + Rows <= row_count; row += Rows)
    halves_tile<Lanes, Rows, Queries>(rows + row * dimensions, dimensions, queries, query_stride, scores + row, stride);
  for (; row < row_count; ++row)
    halves_tile<Lanes, 1, Queries>(rows + row * dimensions, dimensions, queries, query_stride, scores + row, stride);
}

// TileRows (a multiple of four) x TileQueries is what the registers hold beside two halves of each query and of a row.
template <class Lanes, size_t TileRows, size_t TileQueries>
void score_halves(const uint16_t *rows, size_t row_count, size_t dimensions, const float *queries, size_t query_count,
                  size_t query_stride, float *scores, size_t stride) {
  // Rows that stay in the first-level cache while all queries go by: some 16 KiB.
  const size_t some_rows = 8 * (1 + 16384 / 8 / sizeof(uint16_t) / dimensions);
  for (size_t first = 0; first < row_count; first += some_rows) {
    const size_t count = row_count - first < some_rows ? row_count - first : some_rows;
    const uint16_t *some = rows + first * dimensions;
    float *to = scores + first;
    size_t query = 0;
    for (; query + TileQueries <= query_count; query += TileQueries)
      halves_queries<Lanes, TileRows, TileQueries>(some, count, dimensions, queries + query * query_stride, query_stride,
                                                   to + query * stride, stride);
    for (; query < query_count; ++query)
      halves_queries<Lanes, 8, 1>(some, count, dimensions, queries + query * query_stride, query_stride,
                                  to + query * stride, stride);
  }
}

}  // namespace
