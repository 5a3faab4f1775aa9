#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace ner_retriever::cuda {

inline unsigned blocks_for(size_t count, unsigned a_block) { return static_cast<unsigned>((count + a_block - 1) / a_block); }

namespace {

// The sum over a block's threads, for each of them; always added in the same order. Every thread must come here.
template <unsigned threads>
__device__ double block_sum(double value) {
  __shared__ double sums[threads];
  sums[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  const double sum = sums[0];
  __syncthreads();  // before somebody writes the next
  return sum;
}

}  // namespace

}  // namespace ner_retriever::cuda
