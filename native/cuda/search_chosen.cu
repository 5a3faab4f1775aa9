#include "search_chosen.h"

#include "blocks_at_once.h"
#include "runtime/launch.h"
#include "score_rows.cuh"
#include "search_scan.h"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps = 8;
constexpr unsigned rows_at_once = 4;
// Blocks that share the entries of one query, whose number only the device knows.
constexpr unsigned blocks_of_query = 4;

__device__ const uint4 *find_row(const RowChunks &chunks, uint32_t row) {
  unsigned chunk = chunks.count - 1;
  while (chunks.chunks[chunk].first_row > row) --chunk;  // there are few
  const RowChunk &there = chunks.chunks[chunk];
  return reinterpret_cast<const uint4 *>(there.values + static_cast<size_t>(row - there.first_row) * there.row_bytes);
}

template <class Values, unsigned queries>
__global__ void __launch_bounds__(warps * 32)
    score_rows(RowChunks chunks, const float4 *planes, unsigned vectors, unsigned query_count, const uint32_t *rows,
               size_t row_count, float *scores, size_t score_stride) {
  const unsigned lane = threadIdx.x % 32;
  constexpr unsigned values = queries * rows_at_once;
  constexpr unsigned lanes_of_value = 32 / values;
  const unsigned my_query = lane / lanes_of_value / rows_at_once;
  const auto my_row = static_cast<size_t>(lane / lanes_of_value % rows_at_once);
  const bool is_mine = lane % lanes_of_value == 0 && my_query < query_count;
  const size_t step = static_cast<size_t>(gridDim.x) * warps * rows_at_once;
  for (size_t first = (static_cast<size_t>(blockIdx.x) * warps + threadIdx.x / 32) * rows_at_once; first < row_count;
       first += step) {
    const uint4 *row[rows_at_once];
#pragma unroll
    for (unsigned r = 0; r < rows_at_once; ++r)
      row[r] = find_row(chunks, rows[min(first + r, row_count - 1)]);
    float sums[values];
#pragma unroll
    for (unsigned i = 0; i < values; ++i) sums[i] = 0;
    add_products<Values, queries, rows_at_once>(row, planes, vectors, lane, sums);
    const float score = sum_over_lanes<values>(sums, lane);
    if (is_mine && first + my_row < row_count)
      scores[static_cast<size_t>(my_query) * score_stride + first + my_row] = score_of_bits(ordered_bits(score));
  }
}

template <class Values>
__global__ void __launch_bounds__(warps * 32)
    score_entries_of_query(RowChunks chunks, const float4 *planes, unsigned vectors, Found found) {
  const unsigned lane = threadIdx.x % 32;
  const unsigned query = blockIdx.y;
  const float4 *mine = planes + static_cast<size_t>(query) * Values::planes * vectors;
  Entry *entries = found.entries + static_cast<size_t>(query) * found.capacity;
  const unsigned count = min(found.counts[query], found.capacity);
  constexpr unsigned lanes_of_value = 32 / rows_at_once;
  const auto my_place = static_cast<unsigned>(lane / lanes_of_value);
  const unsigned step = gridDim.x * warps * rows_at_once;
  for (unsigned first = (blockIdx.x * warps + threadIdx.x / 32) * rows_at_once; first < count; first += step) {
    uint32_t numbers[rows_at_once];
    bool any = false;
#pragma unroll
    for (unsigned r = 0; r < rows_at_once; ++r) {
      numbers[r] = entries[min(first + r, count - 1)].row;
      any = any || numbers[r] != no_row;
    }
    if (!any) continue;  // the whole warp
    const uint4 *row[rows_at_once];
#pragma unroll
    for (unsigned r = 0; r < rows_at_once; ++r)  // row 0 is read for one that is out
      row[r] = find_row(chunks, numbers[r] == no_row ? 0 : numbers[r]);
    float sums[rows_at_once] = {};
    add_products<Values, 1, rows_at_once>(row, mine, vectors, lane, sums);
    const uint32_t score = ordered_bits(sum_over_lanes<rows_at_once>(sums, lane));
    if (lane % lanes_of_value == 0 && first + my_place < count) {
      entries[first + my_place].upper = score;
      entries[first + my_place].lower = score;
    }
  }
}

template <class Values>
void score_rows_for(const RowChunks &chunks, unsigned vectors, const float *planes, unsigned query_count, const uint32_t *rows,
                    size_t row_count, float *scores, size_t score_stride, const cudaDeviceProp &device,
                    cudaStream_t stream) {
  const size_t useful = (row_count + warps * rows_at_once - 1) / (warps * rows_at_once);
  const auto go = [&](auto kernel) {
    launch(kernel, blocks_at_once(kernel, warps * 32, 0, useful, device), warps * 32, 0, stream, chunks,
           reinterpret_cast<const float4 *>(planes), vectors, query_count, rows, row_count, scores, score_stride);
  };
  switch (scanned_queries(query_count)) {
    case 1: return go(score_rows<Values, 1>);
    case 2: return go(score_rows<Values, 2>);
    case 4: return go(score_rows<Values, 4>);
    default: return go(score_rows<Values, 8>);
  }
}

}  // namespace

void score_chosen_rows(ner_precision precision, const RowChunks &chunks, uint32_t row_bytes, const float *planes,
                       unsigned query_count, const uint32_t *rows, size_t row_count, float *scores, size_t score_stride,
                       const cudaDeviceProp &device, cudaStream_t stream) {
  if (row_count == 0) return;
  const auto vectors = static_cast<unsigned>(row_bytes / sizeof(uint4));
  if (precision == NER_BFLOAT16)
    score_rows_for<Bfloat16Values>(chunks, vectors, planes, query_count, rows, row_count, scores, score_stride, device, stream);
  else
    score_rows_for<Float32Values>(chunks, vectors, planes, query_count, rows, row_count, scores, score_stride, device, stream);
}

void score_entries(ner_precision precision, const RowChunks &chunks, uint32_t row_bytes, const float *planes,
                   unsigned query_count, const Found &found, cudaStream_t stream) {
  const auto vectors = static_cast<unsigned>(row_bytes / sizeof(uint4));
  const dim3 grid(blocks_of_query, query_count);
  const auto *query = reinterpret_cast<const float4 *>(planes);
  if (precision == NER_BFLOAT16)
    launch(score_entries_of_query<Bfloat16Values>, grid, warps * 32, 0, stream, chunks, query, vectors, found);
  else
    launch(score_entries_of_query<Float32Values>, grid, warps * 32, 0, stream, chunks, query, vectors, found);
}

}  // namespace ner_retriever::cuda
