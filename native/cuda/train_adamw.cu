#include <type_traits>

#include "runtime/launch.h"
#include "train_blocks.cuh"
#include "train_operations.cuh"

// The end of a step: loss and length of the gradient, then AdamW (betas 0.9 and 0.999, epsilon 1e-8), with the gradient
// shortened if it is too long. The step is decided here, on the device: where the loss is not finite, adamw changes nothing,
// and the host, which reads the outcome when all is done, does not count it. So it waits once a step.
//
// Four numbers are read and three written for a parameter, 28 bytes: 763,000 of them are 21 MB, 6.4 µs of an H100's memory, the
// bound, and less where they are still in the cache (12 MB). 16 bytes at a time; the arrays are filled up with zeros to
// whole quads, which stay zeros. The length reads the gradients once more, 3 MB: 256 blocks add up every 256th piece,
// one block their sums, in float64 and always in the same order.

namespace ner_retriever::cuda {
namespace {

constexpr unsigned threads = 256;

__device__ double square(float value) { return static_cast<double>(value) * static_cast<double>(value); }

__global__ void squares_kernel(const float4 *gradients, size_t quads, double *sums) {
  double sum = 0;
  for (size_t i = blockIdx.x * threads + threadIdx.x; i < quads; i += outcome_sums * threads) {
    const float4 gradient = gradients[i];
    sum += square(gradient.x) + square(gradient.y) + square(gradient.z) + square(gradient.w);
  }
  sum = sum_in_block<threads>(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void outcome_kernel(const double *losses, size_t examples, const double *sums, Outcome *outcome) {
  double loss = 0;
  for (size_t i = threadIdx.x; i < examples; i += threads) loss += losses[i];
  loss = sum_in_block<threads>(loss);
  static_assert(outcome_sums == threads, "each thread takes one");
  const double squares = sum_in_block<threads>(sums[threadIdx.x]);
  if (threadIdx.x == 0) *outcome = {loss, sqrt(squares)};
}

// What cpu/kernels/adamw.h does.
__device__ void update(const AdamwOptions &options, float gradient, float &parameter, float &first, float &second) {
  first = first * 0.9f + gradient * 0.1f;
  second = second * 0.999f + gradient * gradient * 0.001f;
  const float divisor = sqrtf(second) / options.second_correction + 1e-8f;
  parameter = parameter * options.decay - options.step_size * first / divisor;
}

__global__ void adamw_kernel(AdamwOptions options, const Outcome *outcome, const float4 *gradients, size_t quads,
                             float4 *parameters, float4 *first_moments, float4 *second_moments) {
  const size_t i = blockIdx.x * static_cast<size_t>(threads) + threadIdx.x;
  if (i >= quads || !isfinite(outcome->loss)) return;
  const double limit = options.maximum_gradient_norm;
  const auto scale = static_cast<float>(limit > 0 ? fmin(1.0, limit / (outcome->gradient_norm + 1e-6)) : 1.0);
  const float4 gradient = gradients[i];
  float4 parameter = parameters[i], first = first_moments[i], second = second_moments[i];
  update(options, gradient.x * scale, parameter.x, first.x, second.x);
  update(options, gradient.y * scale, parameter.y, first.y, second.y);
  update(options, gradient.z * scale, parameter.z, first.z, second.z);
  update(options, gradient.w * scale, parameter.w, first.w, second.w);
  parameters[i] = parameter;
  first_moments[i] = first;
  second_moments[i] = second;
}

template <class Float>
auto by_quads(Float *values) {
  return reinterpret_cast<std::conditional_t<std::is_const_v<Float>, const float4, float4> *>(values);
}

}  // namespace

void measure(cudaStream_t stream, const double *losses, size_t examples, const float *gradients, size_t quads,
             double *sums, Outcome *outcome) {
  launch(squares_kernel, static_cast<unsigned>(outcome_sums), threads, 0, stream, by_quads(gradients), quads, sums);
  launch(outcome_kernel, 1u, threads, 0, stream, losses, examples, static_cast<const double *>(sums), outcome);
}

void adamw(cudaStream_t stream, const AdamwOptions &options, const Outcome *outcome, const float *gradients, size_t quads,
           float *parameters, float *first_moments, float *second_moments) {
  launch(adamw_kernel, blocks_for(quads, threads), threads, 0, stream, options, outcome, by_quads(gradients), quads,
         by_quads(parameters), by_quads(first_moments), by_quads(second_moments));
}

}  // namespace ner_retriever::cuda
