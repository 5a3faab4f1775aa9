#pragma once

#include <cstddef>
#include <cstdint>

namespace {

// As score_block.h, over bytes: dots[q * stride + r] = rows[r] · queries[q] for a tile of Rows x Queries pairs. `starts`
// is what each query's sums begin with.
template <class Lanes, size_t Rows, size_t Queries>
void int8_dots_tile(const int8_t *rows, size_t dimensions, const int8_t *queries, size_t query_stride,
                    const typename Lanes::Vector *starts, int32_t *dots, size_t stride) {
  typename Lanes::Vector sums[Queries][Rows];
#pragma GCC unroll 16
  for (size_t query = 0; query < Queries; ++query)
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) sums[query][row] = starts[query];

  const size_t whole = dimensions - dimensions % Lanes::width;
  for (size_t i = 0; i < whole; i += Lanes::width) {
    typename Lanes::Vector query_parts[Queries];
#pragma GCC unroll 16
    for (size_t query = 0; query < Queries; ++query)
      query_parts[query] = Lanes::load_query(queries + query * query_stride + i);
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const auto row_part = Lanes::load_row(rows + row * dimensions + i);
#pragma GCC unroll 16
      for (size_t query = 0; query < Queries; ++query)
        sums[query][row] = Lanes::multiply_add(row_part, query_parts[query], sums[query][row]);
    }
  }
  if (whole < dimensions) {
    // The queries go on in zeros, so that a whole vector of them can be read.
#pragma GCC unroll 16
    for (size_t row = 0; row < Rows; ++row) {
      const auto row_part = Lanes::load_first_of_row(rows + row * dimensions + whole, dimensions - whole);
#pragma GCC unroll 16
      for (size_t query = 0; query < Queries; ++query)
        sums[query][row] = Lanes::multiply_add(row_part, Lanes::load_query(queries + query * query_stride + whole),
                                               sums[query][row]);
    }
  }

#pragma GCC unroll 16
  for (size_t query = 0; query < Queries; ++query) {
    int32_t *to = dots + query * stride;
    size_t row = 0;
#pragma GCC unroll 4
    for (; row + 4 <= Rows; row += 4) Lanes::store_four_sums(to + row, &sums[query][row]);
#pragma GCC unroll 4
    for (; row < Rows; ++row) to[row] = Lanes::sum(sums[query][row]);
  }
}

// All rows of the block against `Queries` queries, which stay in the first-level cache meanwhile.
template <class Lanes, size_t Rows, size_t Queries>
void int8_dots_queries(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries,
                       size_t query_stride, int32_t *dots, size_t stride) {
  typename Lanes::Vector starts[Queries];
  for (size_t query = 0; query < Queries; ++query)
    starts[query] = Lanes::start(queries + query * query_stride, dimensions);
  size_t row = 0;
  for (; row + Rows <= row_count; row += Rows)
    int8_dots_tile<Lanes, Rows, Queries>(rows + row * dimensions, dimensions, queries, query_stride, starts, dots + row,
                                         stride);
  for (; row < row_count; ++row)
    int8_dots_tile<Lanes, 1, Queries>(rows + row * dimensions, dimensions, queries, query_stride, starts, dots + row,
                                      stride);
}

// TileRows (a multiple of four) x TileQueries is what the registers hold; fewer queries take more rows at once, so that
// enough sums are under way.
template <class Lanes, size_t TileRows, size_t TileQueries>
void int8_dots(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries, size_t query_count,
               size_t query_stride, int32_t *dots, size_t stride) {
  size_t query = 0;
  for (; query + TileQueries <= query_count; query += TileQueries)
    int8_dots_queries<Lanes, TileRows, TileQueries>(rows, row_count, dimensions, queries + query * query_stride,
                                                    query_stride, dots + query * stride, stride);
  for (; query < query_count; ++query)
    int8_dots_queries<Lanes, 8, 1>(rows, row_count, dimensions, queries + query * query_stride, query_stride,
                                   dots + query * stride, stride);
}

}  // namespace
