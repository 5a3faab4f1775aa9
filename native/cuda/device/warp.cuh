#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// What the 32 lanes of a warp do together. Every lane must reach each of these.

namespace ner_retriever::cuda {

constexpr int warp_size = 32;
constexpr unsigned all_lanes = 0xffffffffu;

// Of blocks of one dimension.
__device__ inline int lane_of_thread() { return static_cast<int>(threadIdx.x % 32u); }
__device__ inline int warp_of_thread() { return static_cast<int>(threadIdx.x / 32u); }

// The value of lane `from`, for every lane.
template <class T>
__device__ inline T broadcast(T value, int from) {
  return __shfl_sync(all_lanes, value, from);
}

// combine(left, right) of all lanes, for every lane, in an order that is the same each time: a butterfly, whose steps join the
// lanes that differ in one bit. combine must not care which comes first.
template <class T, class Combine>
__device__ inline T reduce_in_warp(T value, const Combine &combine) {
#pragma unroll
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(all_lanes, value, distance));
  return value;
}

struct Sum {
  template <class T>
  __device__ T operator()(T left, T right) const {
    return left + right;
  }
};

struct Largest {
  template <class T>
  __device__ T operator()(T left, T right) const {
    return left < right ? right : left;
  }
};

struct Smallest {
  template <class T>
  __device__ T operator()(T left, T right) const {
    return right < left ? right : left;
  }
};

template <class T>
__device__ inline T sum_in_warp(T value) {
  return reduce_in_warp(value, Sum());
}

template <class T>
__device__ inline T largest_in_warp(T value) {
  return reduce_in_warp(value, Largest());
}

template <class T>
__device__ inline T smallest_in_warp(T value) {
  return reduce_in_warp(value, Smallest());
}

}  // namespace ner_retriever::cuda
