#include "normalise_rows.cuh"

#include "device/warp.cuh"
#include "runtime/launch.h"

// The L2 step alone: of a head without layers, of one that is wider than a tile of matmul.cu, of a product by cuBLAS.
//
// Roofline: 4 bytes read and 4 written for each element, 1 M * 500 in 1.3 ms at 3.0 TB/s. The row is read twice, the second
// time from the first-level cache: 8 warps of a block hold 8 rows, 16 KB of 500 columns. Converting to double takes
// 1 M * 500 / (16 a cycle * 132 * 1.7 GHz) = 0.14 ms and is not what bounds it.
//
// A warp has a row; a lane reads 16 bytes at a time where rows begin at such places. A lane's sum goes down its columns in
// order, and the lanes' sums are added in a fixed order: a row's bits depend on nothing else.

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps_of_block = 8;

template <bool aligned>
struct Pieces {
  static constexpr unsigned width = aligned ? 4 : 1;

  __device__ static void load(const float *row, const float *bias, unsigned column, float (&values)[width]) {
    if constexpr (aligned) {
      const float4 four = *reinterpret_cast<const float4 *>(row + column);
      const float4 added = bias == nullptr ? make_float4(0.0f, 0.0f, 0.0f, 0.0f)
                                           : __ldg(reinterpret_cast<const float4 *>(bias + column));
      values[0] = four.x + added.x;
      values[1] = four.y + added.y;
      values[2] = four.z + added.z;
      values[3] = four.w + added.w;
    } else {
      values[0] = row[column] + (bias == nullptr ? 0.0f : bias[column]);
    }
  }

  __device__ static void store(float *row, unsigned column, const float (&values)[width]) {
    if constexpr (aligned)
      *reinterpret_cast<float4 *>(row + column) = make_float4(values[0], values[1], values[2], values[3]);
    else
      row[column] = values[0];
  }
};

template <bool aligned>
__global__ void normalise_rows_kernel(const float *rows, size_t row_count, unsigned columns, unsigned stride,
                                      const float *bias, float *out) {
  constexpr unsigned width = Pieces<aligned>::width;
  const size_t row = static_cast<size_t>(blockIdx.x) * warps_of_block + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  if (row >= row_count) return;  // the whole warp
  const float *from = rows + row * stride;
  float values[width];

  double squares = 0.0;
  for (unsigned column = lane * width; column < columns; column += 32 * width) {
    Pieces<aligned>::load(from, bias, column, values);
#pragma unroll
    for (unsigned i = 0; i < width; ++i) {
      const double value = static_cast<double>(values[i]);
      squares = fma(value, value, squares);
    }
  }
squares = sum_in_warp(squares);

  const double factor = squares == 0.0 ? 0.0 : 1.0 / sqrt(squares);
  for (unsigned column = lane * width; column < columns; column += 32 * width) {
    Pieces<aligned>::load(from, bias, column, values);
#pragma unroll
    for (unsigned i = 0; i < width; ++i) values[i] = static_cast<float>(static_cast<double>(values[i]) * factor);
    Pieces<aligned>::store(out + row * columns, column, values);
  }
}

}  // namespace

void normalise_rows(cudaStream_t stream, const float *rows, size_t row_count, size_t columns, size_t stride,
                    const float *bias, float *out) {
  if (row_count == 0) return;
  const bool aligned = columns % 4 == 0 && stride % 4 == 0;
  launch(aligned ? normalise_rows_kernel<true> : normalise_rows_kernel<false>,
         dim3(static_cast<unsigned>((row_count + warps_of_block - 1) / warps_of_block)), dim3(32 * warps_of_block), 0, stream,
         rows, row_count, static_cast<unsigned>(columns), static_cast<unsigned>(stride), bias, out);
}

}  // namespace ner_retriever::cuda
