#pragma once

#include <cstddef>
#include <cstdint>

#include "ner_retriever/instruction_set.h"

namespace ner_retriever {

// The numbers of one step of AdamW, as PyTorch's has them.
struct AdamwStep {
  float gradient_scale;     // of a gradient that is clipped
  float decay;              // 1 - learning rate * weight decay
  float step_size;          // learning rate / (1 - beta_1^step)
  float second_correction;  // sqrt(1 - beta_2^step)
};

// What the operations need of an instruction set. Each set fills one such table in a file of its own, compiled with
// flags of its own: no other file is compiled with more than the platform's baseline, and what those files have beside
// the table stays in them (unnamed namespaces), so that the linker cannot pick their code for other machines.
// The algorithms stand once, in kernels/*.h, written over a set's vector type.
struct Kernels {
  // rows [count, dimensions] -> out [dimensions], count >= 1.
  void (*mean_rows)(const float *rows, size_t count, size_t dimensions, float *out);

  // c [tile_rows, tile_columns] += a * b, over `depth` products in order.
  // a: packed [depth, tile_rows]; b: packed [depth, tile_columns]; c: rows `stride` apart.
  size_t tile_rows;
  size_t tile_columns;
  void (*matmul_tile)(const float *a, const float *b, size_t depth, float *c, size_t stride);

  // values[i] = values[i] / (1 + exp(-values[i])); count is a multiple of tile_columns.
  void (*silu)(float *values, size_t count);

  // row [dimensions] divided by its L2 norm -> out. A zero row stays zero.
  void (*normalise)(const float *row, size_t dimensions, float *out);

  // scores[q * stride + r] = rows[r] · queries[q]. Each pair is summed in the same order, however many there are.
  void (*score_block)(const float *rows, size_t row_count, size_t dimensions, const float *queries,
                      size_t query_count, float *scores, size_t stride);

  // The same over rows of bfloat16, whose queries lie as kernels/score_halves.h says, in steps of halves_step values.
  size_t halves_step;
  void (*score_halves)(const uint16_t *rows, size_t row_count, size_t dimensions, const float *queries,
                       size_t query_count, size_t query_stride, float *scores, size_t stride);

  // One hidden layer of training: values[i] become SiLU(values[i]) * factors[i], and factors[i] the slope of that by
  // values[i].
  void (*silu_with_slopes)(float *values, float *factors, size_t count);

  // factors[i]: 0 for the share `dropout` of the units, 1 / (1 - dropout) for the others. Unit first + i has its own
  // place in a sequence that `key` decides: no generator is carried along, so the cut into calls does not matter.
  void (*dropout_factors)(uint64_t key, uint64_t first, float dropout, float *factors, size_t count);

  // One step of AdamW over `count` parameters.
  void (*adamw)(const AdamwStep &step, const float *gradients, float *parameters, float *first_moments,
                float *second_moments, size_t count);

  // The first i in [begin, end) whose score is not <= threshold (so NaN counts on either side), or `end`.
  size_t (*next_above)(const float *scores, size_t begin, size_t end, float threshold);
};

extern const Kernels scalar_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;

// Null when this build or this machine does not have the set; ner_last_error() says so.
const Kernels *kernels_for(ner_instruction_set set) noexcept;

}  // namespace ner_retriever
