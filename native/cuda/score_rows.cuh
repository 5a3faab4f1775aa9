#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "device/warp.cuh"

// What the score of a row is, for every kernel that computes one: the same float32 operations in the same order, whatever
// the other rows and queries are, so that the bits are the same wherever a row is scored.
//
// A row is cut into vectors of 16 bytes (8 values of bfloat16, 4 of float32). Lane l of a warp takes the vectors l, l + 32,
// l + 64, …, and adds their products in order, one fused multiply-add each, from 0 on. Then the 32 sums become one:
// lane l's and lane (l xor 16)'s first, then those 8, 4, 2 and 1 apart. That is at most d / 32 + 8 + 5 roundings on the way
// of a product to the score, fewer than the d + 2 that search.h promises where d > 16; for fewer dimensions there are at
// most d products that are not zero, and a sum with 0 rounds nothing.
//
// Several rows and several queries are scored together: a query's values, once read, serve all rows, and a row's, once
// read and widened, all queries.

namespace ner_retriever::cuda {

// How a vector of 16 bytes is read: in planes of 4 values. Queries lie in planes (query_planes.h), so that the lanes of a
// warp read neighbouring 16 bytes of shared memory.
struct Bfloat16Values {
  static constexpr unsigned planes = 2;
  static __device__ __forceinline__ float4 widen(const uint4 &vector, unsigned plane) {
    const uint32_t low = plane == 0 ? vector.x : vector.z, high = plane == 0 ? vector.y : vector.w;
    return make_float4(__uint_as_float(low << 16), __uint_as_float(low & 0xffff0000u), __uint_as_float(high << 16),
                       __uint_as_float(high & 0xffff0000u));
  }
};

struct Float32Values {
  static constexpr unsigned planes = 1;
  static __device__ __forceinline__ float4 widen(const uint4 &vector, unsigned) {
    return make_float4(__uint_as_float(vector.x), __uint_as_float(vector.y), __uint_as_float(vector.z),
                       __uint_as_float(vector.w));
  }
};

// The places of `rows` rows that are `step` bytes apart, of which `left` are there: beyond them the last is read again, and
// not used.
template <unsigned rows>
__device__ __forceinline__ void find_rows(const unsigned char *first, size_t step, size_t left, const uint4 *(&row)[rows]) {
  const unsigned last = left < rows ? static_cast<unsigned>(left) - 1 : rows - 1;
#pragma unroll
  for (unsigned r = 0; r < rows; ++r) row[r] = reinterpret_cast<const uint4 *>(first + min(r, last) * step);
}

// sums[q * rows + r] += this lane's products of row[r] and query q. query: [queries, planes, vectors] of 4 values.
template <class Values, unsigned queries, unsigned rows>
__device__ __forceinline__ void add_products(const uint4 *const (&row)[rows], const float4 *query, unsigned vectors, unsigned lane,
                                             float (&sums)[queries * rows]) {
  for (unsigned vector = lane; vector < vectors; vector += 32) {
    uint4 packed[rows];
#pragma unroll
    for (unsigned r = 0; r < rows; ++r) packed[r] = __ldcs(row[r] + vector);  // all under way before the first is used
#pragma unroll
    for (unsigned plane = 0; plane < Values::planes; ++plane) {
      float4 values[rows];
#pragma unroll
      for (unsigned r = 0; r < rows; ++r) values[r] = Values::widen(packed[r], plane);
#pragma unroll
      for (unsigned q = 0; q < queries; ++q) {
        const float4 four = query[static_cast<size_t>(q * Values::planes + plane) * vectors + vector];
#pragma unroll
        for (unsigned r = 0; r < rows; ++r) {
          float &sum = sums[q * rows + r];
          sum = fmaf(values[r].x, four.x, sum);
          sum = fmaf(values[r].y, four.y, sum);
          sum = fmaf(values[r].z, four.z, sum);
          sum = fmaf(values[r].w, four.w, sum);
        }
      }
    }
  }
}

// Each of `count` values (a power of two, at most 32) summed over the lanes. While several are left, lanes give half of
// them away and take the other half of their partner's: 31 exchanges for 32 values, not 160. Lane l gets the sum of value
// l / (32 / count). Which lanes' sums meet when is the same for every `count`.
template <unsigned count>
__device__ __forceinline__ float sum_over_lanes(float (&sums)[count], unsigned lane) {
  static_assert(count >= 1 && count <= 32 && (count & (count - 1)) == 0, "a power of two");
  unsigned left = count;
#pragma unroll
  for (unsigned apart = 16; apart > 0; apart /= 2) {
    if (left > 1) {
      left /= 2;
      const bool upper = (lane & apart) != 0;
#pragma unroll
      for (unsigned i = 0; i < count / 2; ++i)
        if (i < left) {
          const float given = upper ? sums[i] : sums[i + left];
          const float kept = upper ? sums[i + left] : sums[i];
          sums[i] = kept + __shfl_xor_sync(all_lanes, given, static_cast<int>(apart));
        }
    } else {
      sums[0] = sums[0] + __shfl_xor_sync(all_lanes, sums[0], static_cast<int>(apart));
    }
  }
  return sums[0];
}

}  // namespace ner_retriever::cuda
