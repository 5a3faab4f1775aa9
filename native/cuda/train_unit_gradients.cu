#include "runtime/launch.h"
#include "train_blocks.cuh"
#include "train_operations.cuh"

// The loss by each row before L2. A row may be the anchor of one example, the positive of another and a negative of many:
// its gradient is a sum over all of them. Adding to it from every example would need atomics, whose order differs from run to
// run. Here each row, a block, fetches what it is made of: the host lists that for it, always in the same order
// (train_plan.h). Then what points along the row is taken away, as it does not change its direction.
//
// A use reads a vector of 2 KB, out of the cache: 128 examples with 2 pairs are 512 uses, 1 MB; what is written are 384 rows,
// 0.8 MB. Less than 1 µs of an H100's memory: what it takes is the time of the launch and of the longest list.

namespace ner_retriever::cuda {
namespace {

constexpr unsigned threads = 128;

__global__ void unit_gradients_kernel(const float *vectors, const float *norms, Uses uses, const float *slopes,
                                      size_t output, float *gradients) {
  const size_t row = blockIdx.x;
  const float *unit = vectors + row * output;
  float *out = gradients + row * output;
  const int32_t begin = uses.starts[row], end = uses.starts[row + 1];
  double along = 0;
  for (size_t i = threadIdx.x; i < output; i += threads) {
    float gradient = 0;
    for (int32_t use = begin; use < end; ++use) {
      const int32_t place = uses.factors[use];
      const float factor = place < 0 ? 1.0f : slopes[place];
      // A negative that is far enough has no part in it, also where it is not finite.
      if (factor != 0) gradient = fmaf(factor, vectors[static_cast<size_t>(uses.sources[use]) * output + i], gradient);
    }
    out[i] = gradient;
    along += static_cast<double>(gradient) * static_cast<double>(unit[i]);
  }
  const auto length_along = static_cast<float>(sum_in_block<threads>(along));
  const float norm = norms[row];
  const float factor = norm > 0 ? 1.0f / norm : 0.0f * norm;  // NaN stays NaN
  for (size_t i = threadIdx.x; i < output; i += threads) out[i] = (out[i] - length_along * unit[i]) * factor;
}

}  // namespace

void unit_gradients(cudaStream_t stream, const float *vectors, const float *norms, const Uses &uses, const float *slopes,
                    size_t rows, size_t output, float *gradients) {
  launch(unit_gradients_kernel, static_cast<unsigned>(rows), threads, 0, stream, vectors, norms, uses, slopes, output,
         gradients);
}

}  // namespace ner_retriever::cuda
