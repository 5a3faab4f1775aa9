#pragma once

#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ner_pooling {
  NER_POOL_LAST = 0,
  NER_POOL_FIRST = 1,
  NER_POOL_MEAN = 2,
  NER_POOL_FIRST_LAST = 3, // the first row and, behind it, the last: twice as many columns
} ner_pooling;

// One vector for each span of token rows.
// rows [tokens, dimensions]; spans [span_count, 2]: half-open ranges of token rows; out [span_count, dimensions],
// of NER_POOL_FIRST_LAST [span_count, 2 * dimensions].
// Spans may nest, overlap, repeat and come in any order. NER_INVALID_ARGUMENT for one that is empty or outside the rows.
ner_status ner_pool_spans(ner_instruction_set set, const float *rows, size_t tokens, size_t dimensions,
                          const int32_t *spans, size_t span_count, ner_pooling pooling, float *out);

#ifdef __cplusplus
}
#endif
