#pragma once

#include <cuda_bf16.h>

#include <cstddef>

namespace ner_retriever::cuda {

// What the kernels need of sizes: 16-byte pieces, whole steps of a tile's depth, whole tiles of columns.
constexpr size_t input_step = 32;
constexpr size_t output_step = 256;

constexpr size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// A linear layer on the device. Its memory belongs to whoever made it. What is beyond `input` and `output` is zero, so that
// it adds nothing to any sum.
struct LinearLayer {
  const __nv_bfloat16 *weight;  // [padded_output(), padded_input()]
  const float *bias;            // [padded_output()]
  size_t input;
  size_t output;

  __host__ __device__ size_t padded_input() const { return (input + input_step - 1) / input_step * input_step; }
  __host__ __device__ size_t padded_output() const { return (output + output_step - 1) / output_step * output_step; }
};

}  // namespace ner_retriever::cuda
