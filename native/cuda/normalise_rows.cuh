#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace ner_retriever::cuda {

// (rows + bias), each row divided by its L2 norm. Squares are summed in double: no row of float32 overflows or vanishes. A
// zero row stays zero; one NaN makes the whole row NaN. rows [row_count, stride], of which `columns` count; bias [columns]
// or null; out [row_count, columns], which may be `rows` where stride is columns.
void normalise_rows(cudaStream_t stream, const float *rows, size_t row_count, size_t columns, size_t stride,
                    const float *bias, float *out);

}  // namespace ner_retriever::cuda
