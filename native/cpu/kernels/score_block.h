#pragma once

#include <cstddef>

namespace {

// scores[q * stride + r] = rows[r] · queries[q] for a tile of Rows x Queries pairs, whose sums stay in registers while
// the dimensions go by. The lanes run along the dimensions: rows and queries are read as they lie, nothing is packed.
// A pair's sum is one chain of multiply-adds for each lane, then the lanes in a fixed tree: the same bits in any tile.
template <class Lanes, size_t Rows, size_t Queries>
void score_tile(const float *rows, size_t dimensions, const float *queries, float *scores, size_t stride) {
  typename Lanes::Vector sums[Queries][Rows];
#pragma GCC unroll 16
  for (size_t query = 0; query < Queries; ++query)
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) sums[query][row] = Lanes::broadcast(0.0f);

  const size_t whole = dimensions - dimensions % Lanes::width;
  for (size_t i = 0; i < whole; i += Lanes::width) {
    typename Lanes::Vector query_parts[Queries];
#pragma GCC unroll 16
    for (size_t query = 0; query < Queries; ++query) query_parts[query] = Lanes::load(queries + query * dimensions + i);
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const auto row_part = Lanes::load(rows + row * dimensions + i);
#pragma GCC unroll 16
      for (size_t query = 0; query < Queries; ++query)
        sums[query][row] = Lanes::multiply_add(row_part, query_parts[query], sums[query][row]);
    }
  }
  if (whole < dimensions) {
    const size_t rest = dimensions - whole;
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const auto row_part = Lanes::load_first(rows + row * dimensions + whole, rest);
#pragma GCC unroll 16
      for (size_t query = 0; query < Queries; ++query)
        sums[query][row] = Lanes::multiply_add(
            row_part, Lanes::load_first(queries + query * dimensions + whole, rest), sums[query][row]);
    }
  }

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

// All rows of the block against `Queries` queries, which stay in the first-level cache meanwhile.
template <class Lanes, size_t Rows, size_t Queries>
void score_queries(const float *rows, size_t row_count, size_t dimensions, const float *queries, float *scores,
                   size_t stride) {
  size_t row = 0;
  for (; row + Rows <= row_count; row += Rows)
    score_tile<Lanes, Rows, Queries>(rows + row * dimensions, dimensions, queries, scores + row, stride);
  for (; row < row_count; ++row)
    score_tile<Lanes, 1, Queries>(rows + row * dimensions, dimensions, queries, scores + row, stride);
}

// TileRows (a multiple of four) x TileQueries is what the registers hold; fewer queries take more rows at once, because a multiply-add
// takes four cycles and two start in each: eight sums must be under way.
template <class Lanes, size_t TileRows, size_t TileQueries>
void score_block(const float *rows, size_t row_count, size_t dimensions, const float *queries, size_t query_count,
                 float *scores, size_t stride) {
  size_t query = 0;
  for (; query + TileQueries <= query_count; query += TileQueries)
    score_queries<Lanes, TileRows, TileQueries>(rows, row_count, dimensions, queries + query * dimensions,
                                                scores + query * stride, stride);
  for (; query + 2 <= query_count; query += 2)
    score_queries<Lanes, 4, 2>(rows, row_count, dimensions, queries + query * dimensions, scores + query * stride,
                               stride);
  for (; query < query_count; ++query)
    score_queries<Lanes, 8, 1>(rows, row_count, dimensions, queries + query * dimensions, scores + query * stride,
                               stride);
}

}  // namespace
