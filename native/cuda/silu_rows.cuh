#pragma once

#include <cuda_runtime.h>

#include "linear_layer.cuh"

namespace ner_retriever::cuda {

// What follows a product that cuBLAS made of a hidden layer: SiLU(product + bias), rounded to the next layer's rows.
// product [row_count, layer.padded_output()]; out [row_count, out_stride], out_stride at most layer.padded_output().
void silu_rows(cudaStream_t stream, const float *product, size_t row_count, const LinearLayer &layer, __nv_bfloat16 *out,
               size_t out_stride);

}  // namespace ner_retriever::cuda
