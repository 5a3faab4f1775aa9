#pragma once

#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

// Rows that lie together in memory: data [count, dimensions]. Several of them are one sequence of rows, numbered from 0.
typedef struct ner_rows {
  const float *data;
  size_t count;
} ner_rows;

// Exact search by inner product: for each query the `limit` rows with the highest scores, best first, equal scores by
// lower row. NaN scores come after all others. `limit` is at most the number of rows; all of them is a full sort.
// queries [query_count, dimensions]; scores and rows [query_count, limit]. At most `threads` threads run, the calling
// one among them. A score is the same bits whatever the other queries and rows and the number of threads are.
ner_status ner_scan_top_k(ner_instruction_set set, const ner_rows *segments, size_t segment_count, size_t dimensions,
                          const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                          uint32_t *rows);

#ifdef __cplusplus
}
#endif
