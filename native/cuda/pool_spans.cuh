#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>

#include "ner_retriever/pooling.h"

namespace ner_retriever::cuda {

// Columns of a pooled vector.
inline size_t pooled_columns(ner_pooling pooling, size_t dimensions) {
  return pooling == NER_POOL_FIRST_LAST ? 2 * dimensions : dimensions;
}

// One vector for each span of token rows, all on the device: rows [.., dimensions]; spans [span_count], half-open ranges of
// rows that have been checked. A vector's bits depend on its span alone.

// out [span_count, pooled_columns].
void pool_spans(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                ner_pooling pooling, float *out);

// Rounded, for a projection: out [span_count, out_stride], zero beyond the columns. out_stride is a multiple of 4.
void pool_spans(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                ner_pooling pooling, __nv_bfloat16 *out, size_t out_stride);

// rows [row_count, columns] rounded -> out [row_count, out_stride], zero beyond the columns: each row a span of its own.
void round_rows(cudaStream_t stream, const float *rows, size_t columns, size_t row_count, __nv_bfloat16 *out,
                size_t out_stride);

}  // namespace ner_retriever::cuda
