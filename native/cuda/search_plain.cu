#include "search_plain.h"

#include "runtime/launch.h"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned threads = 128;

__global__ void __launch_bounds__(threads)
    score_pair(ner_precision precision, RowChunk chunk, size_t dimensions, const float *queries, float *scores) {
  const size_t row = static_cast<size_t>(blockIdx.x) * threads + threadIdx.x;
  if (row >= chunk.count) return;
  const float *query = queries + blockIdx.y * dimensions;
  const unsigned char *values = chunk.values + row * chunk.row_bytes;
  const unsigned in_vector = precision == NER_BFLOAT16 ? 8 : 4;

  // The chains of 32 lanes, each with the vectors of 16 bytes that are its own, in order.
  float sums[32] = {};
  for (size_t i = 0; i < dimensions; ++i) {
    const float value =
        precision == NER_BFLOAT16
            ? __uint_as_float(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(values)[i]) << 16)
            : reinterpret_cast<const float *>(values)[i];
    float &sum = sums[i / in_vector % 32];
    sum = fmaf(value, query[i], sum);
  }
  // Then lanes 16 apart, 8, 4, 2 and 1.
  for (unsigned apart = 16; apart > 0; apart /= 2)
    for (unsigned lane = 0; lane < apart; ++lane) sums[lane] = sums[lane] + sums[lane + apart];
  scores[blockIdx.y * static_cast<size_t>(chunk.count) + row] = sums[0];
}

}  // namespace

void score_plainly(ner_precision precision, const RowChunk &chunk, size_t dimensions, const float *queries,
                   size_t query_count, float *scores, cudaStream_t stream) {
  const dim3 grid((chunk.count - 1) / threads + 1, static_cast<unsigned>(query_count));
  launch(score_pair, grid, threads, 0, stream, precision, chunk, dimensions, queries, scores);
}

}  // namespace ner_retriever::cuda
