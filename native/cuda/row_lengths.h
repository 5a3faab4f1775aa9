#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"

namespace ner_retriever::cuda {

// What coarse_bound.h needs of each row: its length ‖r‖ and, of float32 rows, the length ‖r - r'‖ of what rounding to
// bfloat16 takes away; both rounded up. A row longer than longest_coarse_length, infinite or NaN has an infinite length.
// float32 and bfloat16; losses: null for bfloat16. One warp a row, sums in double, once when the rows come: bound by memory.
void measure_rows(ner_precision precision, const unsigned char *rows, size_t row_bytes, size_t row_count, float *lengths,
                  float *losses, cudaStream_t stream);

}  // namespace ner_retriever::cuda
