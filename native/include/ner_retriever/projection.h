#pragma once

#include "ner_retriever/instruction_set.h"
#include "ner_retriever/pooling.h"

#ifdef __cplusplus
extern "C" {
#endif

// A projection head: linear layers with SiLU between them, then each row divided by its L2 norm.
// Without layers it is the L2 step alone.
typedef struct ner_projection ner_projection;

typedef struct ner_linear_layer {
  const float *weight; // [output, input], as PyTorch keeps it
  const float *bias;   // [output]
  size_t output;
} ner_linear_layer;

// Packs a copy of the weights for `set`. A layer's input is the output of the one before it; the first one's is
// `input_dimensions`. To be freed with ner_projection_destroy.
ner_status ner_projection_create(ner_instruction_set set, const ner_linear_layer *layers, size_t layer_count,
                                 size_t input_dimensions, ner_projection **projection);
void ner_projection_destroy(ner_projection *projection);

size_t ner_projection_input_dimensions(const ner_projection *projection);
size_t ner_projection_output_dimensions(const ner_projection *projection);
// Bytes of the packed weights.
size_t ner_projection_bytes(const ner_projection *projection);

// rows [row_count, input]; out [row_count, output]. On the calling thread, with about a megabyte of scratch memory.
// A row's result is the same bits whatever the other rows are. A zero row (before L2) stays zero; a row with NaN is all NaN.
ner_status ner_projection_run(const ner_projection *projection, const float *rows, size_t row_count, float *out);
// Of the vectors that ner_pool_spans gives: rows [tokens, input], of NER_POOL_FIRST_LAST [tokens, input / 2]; out
// [span_count, output].
ner_status ner_projection_run_spans(ner_instruction_set set, const ner_projection *projection, const float *rows,
                                    size_t tokens, const int32_t *spans, size_t span_count, ner_pooling pooling,
                                    float *out);

#ifdef __cplusplus
}
#endif
