#include "runtime/launch.h"
#include "train_blocks.cuh"
#include "train_operations.cuh"

// From rows of length 1 to the loss and its slope at every cosine. The triplet loss is the mean over all negatives of
// max(0, margin + cos(anchor, negative) - cos(anchor, positive)); InfoNCE the mean of -log of the positive's share in the
// softmax of cosine / temperature over an example's candidates. Both in float64, as on the CPU.
//
// The work is small: 128 examples with 2 pairs each read 256 × 2 rows of 2 KB, 1 MB, 0.3 µs of an H100's memory; a softmax over
// 128 × 128 cosines is 33 thousand exponentials in float64. What it takes is the time of its launches. A warp would do for
// an example; a block of 128 threads makes it one memory access for 128 candidates.

namespace ner_retriever::cuda {
namespace {

constexpr unsigned threads = 128;

__global__ void gather_rows_kernel(const float *rows, const int32_t *places, size_t columns, float *out) {
  const size_t column = blockIdx.y * threads + threadIdx.x;
  if (column < columns)
    out[blockIdx.x * columns + column] = rows[static_cast<size_t>(places[blockIdx.x]) * columns + column];
}

// A block a pair.
__global__ void cosines_kernel(const float *unit, size_t output, Pairs pairs, double *cosines) {
  const float *anchor = unit + static_cast<size_t>(pairs.anchors[blockIdx.x / pairs.each]) * output;
  const float *other = unit + static_cast<size_t>(pairs.others[blockIdx.x]) * output;
  double sum = 0;
  for (size_t i = threadIdx.x; i < output; i += threads)
    sum += static_cast<double>(anchor[i]) * static_cast<double>(other[i]);
  sum = sum_in_block<threads>(sum);
  if (threadIdx.x == 0) cosines[blockIdx.x] = sum;
}

// A block an example.
__global__ void triplet_kernel(const double *cosines, size_t each, double margin, double share, double *losses,
                               float *slopes) {
  const double *own = cosines + blockIdx.x * each;
  float *slope = slopes + blockIdx.x * each;
  double loss = 0, violated = 0;
  for (size_t i = 1 + threadIdx.x; i < each; i += threads) {
    const double violation = margin + own[i] - own[0];
    // Not below 0, rather than above: what is no number must be seen in the loss.
    const bool none = violation <= 0;
    slope[i] = none ? 0.0f : static_cast<float>(share);
    if (none) continue;
    loss += violation * share;
    violated += 1;
  }
  loss = sum_in_block<threads>(loss);
  violated = sum_in_block<threads>(violated);
  if (threadIdx.x > 0) return;
  losses[blockIdx.x] = loss;
  slope[0] = static_cast<float>(-violated * share);
}

// NaN counts for nothing: it is seen in the sum.
struct LargestNumber {
  __device__ double operator()(double left, double right) const { return fmax(left, right); }
};

// A block an example. Its pairs' cosines are candidates, and those of its line of `scores` that `contrast` names.
__global__ void info_nce_kernel(const double *cosines, size_t each, double temperature, double share,
                                const uint8_t *contrast, PartialSums scores, double *losses, float *slopes,
                                float *score_slopes) {
  const size_t example = blockIdx.x, examples = contrast != nullptr ? gridDim.x : 0;
  const double *own = cosines + example * each;
  const auto candidate = [&](size_t column) { return column != example && contrast[example * examples + column] != 0; };
  const auto score = [&](size_t column) { return static_cast<double>(scores.at(example, column)) / temperature; };

  double most = own[0] / temperature;
  for (size_t i = threadIdx.x; i < each; i += threads) most = fmax(most, own[i] / temperature);
  for (size_t column = threadIdx.x; column < examples; column += threads)
    if (candidate(column)) most = fmax(most, score(column));
  most = reduce_in_block<threads>(most, LargestNumber());

  double sum = 0;
  for (size_t i = threadIdx.x; i < each; i += threads) sum += exp(own[i] / temperature - most);
  for (size_t column = threadIdx.x; column < examples; column += threads)
    if (candidate(column)) sum += exp(score(column) - most);
  sum = sum_in_block<threads>(sum);

  const double scale = share / temperature;
  for (size_t i = threadIdx.x; i < each; i += threads) {
    const double softmax = exp(own[i] / temperature - most) / sum;
    slopes[example * each + i] = static_cast<float>(scale * (softmax - (i == 0 ? 1.0 : 0.0)));
  }
  for (size_t column = threadIdx.x; column < examples; column += threads)
    score_slopes[example * examples + column] =
        candidate(column) ? static_cast<float>(scale * exp(score(column) - most) / sum) : 0.0f;
  if (threadIdx.x == 0) losses[example] = share * (most + log(sum) - own[0] / temperature);
}

}  // namespace

void gather_rows(cudaStream_t stream, const float *rows, const int32_t *places, size_t count, size_t columns, float *out) {
  launch(gather_rows_kernel, dim3(static_cast<unsigned>(count), blocks_for(columns, threads)), threads, 0, stream, rows,
         places, columns, out);
}

void cosines_of_pairs(cudaStream_t stream, const float *unit, size_t output, const Pairs &pairs, double *cosines) {
  launch(cosines_kernel, static_cast<unsigned>(pairs.examples * pairs.each), threads, 0, stream, unit, output, pairs,
         cosines);
}

void triplet_loss(cudaStream_t stream, const double *cosines, size_t examples, size_t each, double margin, double *losses,
                  float *slopes) {
  launch(triplet_kernel, static_cast<unsigned>(examples), threads, 0, stream, cosines, each, margin,
         1.0 / static_cast<double>(examples * (each - 1)), losses, slopes);
}

void info_nce_loss(cudaStream_t stream, const double *cosines, size_t examples, size_t each, double temperature,
                   const uint8_t *contrast, const PartialSums &scores, double *losses, float *slopes,
                   float *score_slopes) {
  launch(info_nce_kernel, static_cast<unsigned>(examples), threads, 0, stream, cosines, each, temperature,
         1.0 / static_cast<double>(examples), contrast, scores, losses, slopes, score_slopes);
}

}  // namespace ner_retriever::cuda
