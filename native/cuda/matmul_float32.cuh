#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace ner_retriever::cuda {

// a: [rows, depth], transposed: [depth, rows]. b: [depth, columns], transposed: [columns, depth]. `stride` is the elements
// from one line of `values` to the next.
struct MatmulFactor {
  const float *values;
  size_t stride;
  bool transposed;
};

// A product that is not yet summed up: each part holds the products of a piece of the depth. Whoever reads an element adds
// the parts in their order, so that the sum needs no pass of its own and is the same bits every time.
struct PartialSums {
  const float *values;  // [parts, rows and columns rounded up to whole tiles]
  size_t part_size;
  size_t stride;
  unsigned parts;

  __device__ float at(size_t row, size_t column) const {
    const float *part = values + row * stride + column;
    float sum = part[0];
#pragma unroll 4
    for (unsigned i = 1; i < parts; ++i) sum += part[i * part_size];
    return sum;
  }
};

// Floats of `workspace` that a product takes.
size_t partial_sums_size(size_t rows, size_t columns, size_t depth);

// a times b in float32, not both transposed. The result lies in `workspace`, which begins at a multiple of 16 bytes.
PartialSums multiply_float32(cudaStream_t stream, size_t rows, size_t columns, size_t depth, const MatmulFactor &a,
                             const MatmulFactor &b, float *workspace);

}  // namespace ner_retriever::cuda
