#pragma once

#include <cuda_runtime.h>

#include "linear_layer.cuh"

namespace ner_retriever::cuda {

// A linear layer for rows on the device: products of bfloat16 on the tensor cores, summed in float32.
// rows [row_count, layer.padded_input()] with zeros beyond layer.input. Each element of a result is one chain of
// operations in a fixed order, whatever the other rows are and however many.

// What a launch goes by.
struct MatmulDevice {
  cudaStream_t stream;
  int multiprocessors;
  size_t shared_bytes;  // that one block may have
};

// SiLU(rows * weight + bias), rounded: the next layer's rows. out [row_count, out_stride], out_stride at most
// layer.padded_output().
void matmul_silu(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer,
                 __nv_bfloat16 *out, size_t out_stride);

// rows * weight + bias, each row divided by its L2 norm. out [row_count, layer.output].
// Only where matmul_normalised_fits: a block holds all columns of its rows. Elsewhere matmul and normalise_rows do it.
void matmul_normalised(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer,
                       float *out);
bool matmul_normalised_fits(const MatmulDevice &device, const LinearLayer &layer);

// rows * weight + bias. out [row_count, layer.output].
void matmul(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer, float *out);

// The same as `matmul`, a thread for each element: slow, to be read first, and what the fast one is checked against.
void matmul_plain(cudaStream_t stream, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer, float *out);

}  // namespace ner_retriever::cuda
