#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace ner_retriever::cuda {

// native/cpu/ranking_key.h for both sides: a score's bits that sort as numbers do, NaN lowest (0), -0 as 0; and those above
// the complement of the row's number, so that equal scores go by lower row.
using Key = unsigned long long;  // the type that the atomics take

__host__ __device__ inline uint32_t ordered_bits(float score) {
  if (!(score == score)) return 0;
#ifdef __CUDA_ARCH__
  const uint32_t bits = __float_as_uint(score + 0.0f);
#else
  const float canonical = score + 0.0f;
  uint32_t bits;
  memcpy(&bits, &canonical, sizeof bits);
#endif
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__host__ __device__ inline float score_of_bits(uint32_t ordered) {
  const uint32_t bits = ordered == 0 ? 0x7fc00000u : (ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered;
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  float score;
  memcpy(&score, &bits, sizeof score);
  return score;
#endif
}

__host__ __device__ inline Key search_key(uint32_t ordered, uint32_t row) {
  return static_cast<Key>(ordered) << 32 | static_cast<uint32_t>(~row);
}

}  // namespace ner_retriever::cuda
