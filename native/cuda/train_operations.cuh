#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "matmul_float32.cuh"

// What a training step consists of, in its order; trainer.cu puts it together. Each is one launch and waits for nothing.
// Gradients are always by what the array beside them holds: unit_gradients of the loss by the values before L2.
namespace ner_retriever::cuda {

// weight [hidden, input] with column i times the sigmoid of gate[i] -> gated [hidden, input].
void gate_weight(cudaStream_t stream, const float *gate, const float *weight, size_t hidden, size_t input, float *gated);

struct Dropout {
  uint64_t key;  // dropout_key
  float share;
};

// sums [rows, hidden] + bias -> through SiLU and dropout, values and their slopes [rows, hidden].
void activate(cudaStream_t stream, const PartialSums &sums, const float *bias, size_t rows, size_t hidden,
              const Dropout &dropout, float *values, float *slopes);

// sums [rows, output] + bias -> rows of length 1, and what they were divided by [rows]. A row of zeros stays one.
void normalise(cudaStream_t stream, const PartialSums &sums, const float *bias, size_t rows, size_t output, float *unit,
               float *norms);

// rows[places[i]] -> out[i].
void gather_rows(cudaStream_t stream, const float *rows, const int32_t *places, size_t count, size_t columns, float *out);

// An example's pairs are its anchor with each of its `others`: first the positive, then the negatives.
struct Pairs {
  const int32_t *anchors;  // [examples]
  const int32_t *others;   // [examples, each]
  size_t examples;
  size_t each;
};

// cosines [examples, each]
void cosines_of_pairs(cudaStream_t stream, const float *unit, size_t output, const Pairs &pairs, double *cosines);

// Cosines -> an example's part of the loss [examples], and the loss by each cosine [examples, each].
void triplet_loss(cudaStream_t stream, const double *cosines, size_t examples, size_t each, double margin, double *losses,
                  float *slopes);

// The same; where `contrast` [examples, examples] is not null, the positives of the other examples that it names are
// negatives too: `scores` are the cosines of all anchors with all positives, and score_slopes [examples, examples] the loss by them.
void info_nce_loss(cudaStream_t stream, const double *cosines, size_t examples, size_t each, double temperature,
                   const uint8_t *contrast, const PartialSums &scores, double *losses, float *slopes, float *score_slopes);

// Which vectors make up the gradient of a row: of row r those numbered sources[i], times factors[i], for i in
// [starts[r], starts[r + 1]). A factor is the place of one in `slopes`, or -1 for 1.
struct Uses {
  const int32_t *starts;
  const int32_t *sources;
  const int32_t *factors;
};

// The loss by the rows before L2 [rows, output]; `vectors` are the rows and whatever else `uses` names, [.., output].
void unit_gradients(cudaStream_t stream, const float *vectors, const float *norms, const Uses &uses, const float *slopes,
                    size_t rows, size_t output, float *gradients);

// sums * slopes -> out [rows, columns]; null slopes: 1.
void write_sums(cudaStream_t stream, const PartialSums &sums, const float *slopes, size_t rows, size_t columns, float *out);

// [rows, columns] -> [columns]
void sum_rows(cudaStream_t stream, const float *values, size_t rows, size_t columns, float *sums);

// sums [hidden, input], the loss by the gated weight -> by the weight and by the gate [input].
void gate_gradients(cudaStream_t stream, const PartialSums &sums, const float *gate, const float *weight, size_t hidden,
                    size_t input, float *weight_gradients, float *gradients);

struct Outcome {
  double loss;
  double gradient_norm;
};

constexpr size_t outcome_sums = 256;  // doubles of scratch

// losses [examples], gradients [4 * quads] -> one Outcome.
void measure(cudaStream_t stream, const double *losses, size_t examples, const float *gradients, size_t quads,
             double *sums, Outcome *outcome);

struct AdamwOptions {
  double maximum_gradient_norm;
  float decay;              // 1 - learning rate * weight decay
  float step_size;          // learning rate / (1 - beta_1^step)
  float second_correction;  // sqrt(1 - beta_2^step)
};

// Nothing where the outcome's loss is not finite.
void adamw(cudaStream_t stream, const AdamwOptions &options, const Outcome *outcome, const float *gradients, size_t quads,
           float *parameters, float *first_moments, float *second_moments);

}  // namespace ner_retriever::cuda
