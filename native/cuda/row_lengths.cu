#include "row_lengths.h"

#include <cuda_bf16.h>

#include "coarse_bound.h"
#include "device/warp.cuh"
#include "runtime/launch.h"
#include "score_rows.cuh"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps = 8;

// round_up of native/cpu/int8_bound.h.
__device__ float rounded_up(double length) {
  const double safe = length * (1 + 1e-9);
  const auto nearest = static_cast<float>(safe);
  return static_cast<double>(nearest) < safe ? nextafterf(nearest, INFINITY) : nearest;
}

template <class Values>
__global__ void __launch_bounds__(warps * 32)
    measure(const unsigned char *rows, size_t row_bytes, size_t row_count, float *lengths, float *losses) {
  const size_t row = static_cast<size_t>(blockIdx.x) * warps + threadIdx.x / 32;
  if (row >= row_count) return;  // the whole warp
  const unsigned lane = threadIdx.x % 32;
  const auto *vectors = reinterpret_cast<const uint4 *>(rows + row * row_bytes);
  double squares = 0, lost_squares = 0;
  for (unsigned vector = lane; vector < static_cast<unsigned>(row_bytes / sizeof(uint4)); vector += 32) {
#pragma unroll
    for (unsigned plane = 0; plane < Values::planes; ++plane) {
      const float4 four = Values::widen(vectors[vector], plane);
      const float values[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const auto value = static_cast<double>(values[i]);
        const double lost = value - static_cast<double>(__bfloat162float(__float2bfloat16_rn(values[i])));
        squares += value * value;
        lost_squares += lost * lost;
      }
    }
  }
  const double length = sqrt(sum_in_warp(squares));
  const double loss = sqrt(sum_in_warp(lost_squares));
  if (lane != 0) return;
  const bool is_coarse = length <= longest_coarse_length;
  lengths[row] = is_coarse ? rounded_up(length) : INFINITY;
  if (losses != nullptr) losses[row] = is_coarse ? rounded_up(loss) : 0;
}

}  // namespace

void measure_rows(ner_precision precision, const unsigned char *rows, size_t row_bytes, size_t row_count, float *lengths,
                  float *losses, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((row_count + warps - 1) / warps);
  if (precision == NER_BFLOAT16)
    launch(measure<Bfloat16Values>, blocks, warps * 32, 0, stream, rows, row_bytes, row_count, lengths, losses);
  else
    launch(measure<Float32Values>, blocks, warps * 32, 0, stream, rows, row_bytes, row_count, lengths, losses);
}

}  // namespace ner_retriever::cuda
