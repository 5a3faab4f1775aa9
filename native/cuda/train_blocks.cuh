#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "device/warp.cuh"

namespace ner_retriever::cuda {

inline unsigned blocks_for(size_t count, unsigned a_block) { return static_cast<unsigned>((count + a_block - 1) / a_block); }

namespace {

// combine(left, right) of all threads of a block, for each of them; always in the same order. Every thread must come here.
template <unsigned threads, class Combine>
__device__ double reduce_in_block(double value, const Combine &combine) {
  __shared__ double of_warps[threads / 32];
  value = reduce_in_warp(value, combine);
  if (lane_of_thread() == 0) of_warps[warp_of_thread()] = value;
  __syncthreads();
  double all = of_warps[0];
  for (unsigned i = 1; i < threads / 32; ++i) all = combine(all, of_warps[i]);
  __syncthreads();  // before somebody writes the next
  return all;
}

template <unsigned threads>
__device__ double sum_in_block(double value) {
  return reduce_in_block<threads>(value, Sum());
}

}  // namespace

}  // namespace ner_retriever::cuda
