#include "search_rank.h"

#include "blocks_at_once.h"
#include "runtime/launch.h"
#include "score_rows.cuh"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps = 8;
constexpr unsigned rows_at_once = 8;

// The first row of the range, counted from its begin, that is of the document of `row`. A document's rows lie together: growing steps, then
// halves.
__device__ uint32_t first_of_document(const uint32_t *documents, uint32_t row) {
  const uint32_t document = documents[row];
  uint32_t inside = row, step = 1;
  while (step <= inside && documents[inside - step] == document) {
    inside -= step;
    step *= 2;
  }
  uint32_t outside = step <= inside ? inside - step + 1 : 0;  // the first row that may be inside
  while (outside < inside) {
    const uint32_t middle = outside + (inside - outside) / 2;
    if (documents[middle] == document) inside = middle;
    else outside = middle + 1;
  }
  return inside;
}

template <class Values>
__global__ void __launch_bounds__(warps * 32)
    score_documents(RowChunk chunk, RowRange range, const float4 *planes, unsigned vectors, Key *best) {
  const unsigned lane = threadIdx.x % 32;
  constexpr unsigned lanes_of_value = 32 / rows_at_once;
  const auto my_row = static_cast<unsigned>(lane / lanes_of_value);
  const uint32_t *documents = chunk.documents == nullptr ? nullptr : chunk.documents + range.begin;
  const size_t step = static_cast<size_t>(gridDim.x) * warps * rows_at_once;
  for (size_t first = (static_cast<size_t>(blockIdx.x) * warps + threadIdx.x / 32) * rows_at_once; first < range.count;
       first += step) {
    const uint4 *row[rows_at_once];
    find_rows<rows_at_once>(chunk.values + (range.begin + first) * chunk.row_bytes, chunk.row_bytes, range.count - first, row);
    float sums[rows_at_once] = {};
    add_products<Values, 1, rows_at_once>(row, planes, vectors, lane, sums);
    const uint32_t score = ordered_bits(sum_over_lanes<rows_at_once>(sums, lane));
    const auto mine = static_cast<uint32_t>(first + my_row);
    if (lane % lanes_of_value != 0 || mine >= range.count) continue;
    const Key key = search_key(score, chunk.first_row + range.begin + mine);
    if (documents == nullptr) best[mine] = key;
    else atomicMax(best + first_of_document(documents, mine), key);
  }
}

// One thread for each row of the range.
__global__ void __launch_bounds__(256) gather_documents(RowChunk chunk, RowRange range, Found found, Ranked ranked) {
  const size_t row = static_cast<size_t>(blockIdx.x) * 256 + threadIdx.x;
  if (row >= range.count) return;
  const uint32_t document = document_of(chunk, range.begin + row);
  const uint32_t last_document = document_of(chunk, range.begin + range.count - 1);
  Key key = ranked.best[row];
  if (key < found.thresholds[0] || key == 0 || !may_be_found(found, document)) key = 0;
  if (row == 0) {
    ranked.ends->first_document = document;
    ranked.ends->first = key;
    ranked.ends->last_document = last_document;
  } else if (document == last_document) {
    if (document_of(chunk, range.begin + row - 1) != document) ranked.ends->last = key;
  } else if (key != 0) {
    ranked.keys[atomicAdd(ranked.count, 1u)] = key;
  }
}

}  // namespace

void rank_rows(ner_precision precision, const RowChunk &chunk, const RowRange &range, const float *planes,
               const Found &found, const Ranked &ranked, const cudaDeviceProp &device, cudaStream_t stream) {
  const auto vectors = static_cast<unsigned>(chunk.row_bytes / sizeof(uint4));
  check(cudaMemsetAsync(ranked.best, 0, range.count * sizeof(Key), stream), "clearing the keys of documents");
  check(cudaMemsetAsync(ranked.count, 0, sizeof(unsigned), stream), "clearing a count");
  const size_t useful = (size_t{range.count} + warps * rows_at_once - 1) / (warps * rows_at_once);
  const auto score = [&](auto kernel) {
    launch(kernel, blocks_at_once(kernel, warps * 32, 0, useful, device), warps * 32, 0, stream, chunk, range,
           reinterpret_cast<const float4 *>(planes), vectors, ranked.best);
  };
  if (precision == NER_BFLOAT16) score(score_documents<Bfloat16Values>);
  else score(score_documents<Float32Values>);
  launch(gather_documents, (range.count - 1) / 256 + 1, 256, 0, stream, chunk, range, found, ranked);
}

}  // namespace ner_retriever::cuda
