#include "search_scan.h"

#include <algorithm>

#include "blocks_at_once.h"
#include "device/shared_memory.cuh"
#include "runtime/launch.h"
#include "score_rows.cuh"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps = 8;
// Queries that take more stay where they are, and come through the first-level cache.
constexpr size_t most_shared_bytes = shared_bytes_without_asking;

template <class Values, unsigned queries, unsigned rows>
__global__ void __launch_bounds__(warps * 32)
    scan_chunk(RowChunk chunk, RowRange range, const float4 *planes, unsigned vectors, unsigned query_count, bool shared, Found found) {
  const float4 *query = planes;
  if (shared) {
    float4 *copy = dynamic_shared<float4>();
    const unsigned parts = queries * Values::planes * vectors;
    for (unsigned i = threadIdx.x; i < parts; i += warps * 32) copy[i] = planes[i];
    __syncthreads();
    query = copy;
  }
  const unsigned lane = threadIdx.x % 32;

  // After sum_over_lanes this lane has the score of one row of each group for one query: always the same ones.
  constexpr unsigned values = queries * rows;
  constexpr unsigned lanes_of_value = 32 / values;
  const unsigned my_query = lane / lanes_of_value / rows;
  const unsigned my_row = lane / lanes_of_value % rows;
  const bool is_mine = lane % lanes_of_value == 0 && my_query < query_count;
  const Key threshold = is_mine ? found.thresholds[my_query] : 0;

  const unsigned char *rows_begin = chunk.values + static_cast<size_t>(range.begin) * chunk.row_bytes;
  const size_t step = static_cast<size_t>(range.stride) * chunk.row_bytes;
  const unsigned groups = range.count / rows + (range.count % rows != 0 ? 1 : 0);
  const unsigned first_group = blockIdx.x * warps + threadIdx.x / 32;
  for (size_t group = first_group; group < groups; group += static_cast<size_t>(gridDim.x) * warps) {
    const size_t first = group * rows;
    const uint4 *row[rows];
    find_rows<rows>(rows_begin + first * step, step, range.count - first, row);
    float sums[values];
#pragma unroll
    for (unsigned i = 0; i < values; ++i) sums[i] = 0;
    add_products<Values, queries, rows>(row, query, vectors, lane, sums);
    const uint32_t score = ordered_bits(sum_over_lanes<values>(sums, lane));
    if (!is_mine || first + my_row >= range.count) continue;
    const size_t at = range.begin + (first + my_row) * range.stride;
    if (search_key(score, chunk.first_row + static_cast<uint32_t>(at)) >= threshold)
      add_found(found, chunk, at, my_query, score, score);
  }
}

template <class Values, unsigned queries, unsigned rows>
void scan(const RowChunk &chunk, const RowRange &range, const float *planes, unsigned query_count, const Found &found,
          const cudaDeviceProp &device, cudaStream_t stream) {
  const auto vectors = static_cast<unsigned>(chunk.row_bytes / sizeof(uint4));
  const size_t bytes = size_t{queries} * Values::planes * vectors * sizeof(float4);
  const bool shared = bytes <= most_shared_bytes;
  const size_t shared_bytes = shared ? bytes : 0;
  const auto kernel = scan_chunk<Values, queries, rows>;
  const size_t useful = (size_t{range.count} + rows * warps - 1) / (rows * warps);
  launch(kernel, blocks_at_once(kernel, warps * 32, shared_bytes, useful, device), warps * 32, shared_bytes, stream, chunk,
         range, reinterpret_cast<const float4 *>(planes), vectors, query_count, shared, found);
}

template <class Values>
void scan_for(const RowChunk &chunk, const RowRange &range, const float *planes, unsigned query_count, const Found &found,
              const cudaDeviceProp &device, cudaStream_t stream) {
  switch (scanned_queries(query_count)) {
    case 1: return scan<Values, 1, 8>(chunk, range, planes, query_count, found, device, stream);
    case 2: return scan<Values, 2, 8>(chunk, range, planes, query_count, found, device, stream);
    case 4: return scan<Values, 4, 4>(chunk, range, planes, query_count, found, device, stream);
    default: return scan<Values, 8, 4>(chunk, range, planes, query_count, found, device, stream);
  }
}

}  // namespace

unsigned scanned_queries(unsigned query_count) {
  return query_count <= 2 ? std::max(query_count, 1u) : query_count <= 4 ? 4 : most_scanned_queries;
}

void scan_rows(ner_precision precision, const RowChunk &chunk, const RowRange &range, const float *planes,
               unsigned query_count, const Found &found, const cudaDeviceProp &device, cudaStream_t stream) {
  if (range.count == 0) return;
  if (precision == NER_BFLOAT16)
    scan_for<Bfloat16Values>(chunk, range, planes, query_count, found, device, stream);
  else
    scan_for<Float32Values>(chunk, range, planes, query_count, found, device, stream);
}

}  // namespace ner_retriever::cuda
