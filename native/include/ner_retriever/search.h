#pragma once

#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

// How the rows of an index are kept.
typedef enum ner_precision {
  NER_FLOAT32 = 0,  // as they came
  NER_BFLOAT16 = 1, // rounded to bfloat16, to the nearest, ties to even: half the bytes
  NER_INT8 = 2,     // as codes of int8_scan.h with the float32 rows beside them: a quarter of the bytes is read, and the
                    // answer is float32's, bit for bit
} ner_precision;

// Rows that lie together in memory, in columns. Those that the precision does not have are null.
typedef struct ner_segment {
  const float *vectors;      // [count, dimensions]; float32, and int8's originals, of which only the candidates' are read
  const uint16_t *halves;    // [count, dimensions]; bfloat16
  const int8_t *codes;       // [count, dimensions]; int8
  const float *scales;       // [count]; int8
  const float *errors;       // [count]; int8
  float longest;             // int8
  const uint32_t *checksums; // [count]; int8: CRC32C of each row of `vectors`. Null: rows are not checked when they are read
  const uint32_t *documents; // [count]: the document of each row; rows of one document lie together, in one segment.
                             // Null (in all segments): every row is a document of its own, whose number is the row's
  size_t count;
} ner_segment;

// Several segments are one sequence of rows, numbered from 0. A document's number is at most 2^32 - 2.
typedef struct ner_segments {
  ner_precision precision;
  size_t dimensions;
  const ner_segment *segments;
  size_t count;
} ner_segments;

// What may be found.
typedef struct ner_selection {
  // Document o may be found where bit o % 8 of byte o / 8 is set; those beyond the last byte may not. Null: all may.
  const uint8_t *documents;
  size_t documents_bytes;
  uint32_t first_row; // rows before it are passed over
} ner_selection;

// For each query the `limit` documents that score highest, best first. A document's score is that of its best row; of
// its equal rows, and of equal documents, the lower row is the better. NaN scores come after all others.
// queries [query_count, dimensions]; scores and rows [query_count, limit], counts [query_count]: how many were found;
// places beyond them are left as they are. `selection` may be null. At most `threads` threads run, the calling one among
// them. A score is the same bits whatever the other queries and rows and the number of threads are. It is a sum of float32
// products with the row as it is kept, also for bfloat16: within (d + 2) 2^-24 of the sum of the products' magnitudes, d the
// dimensions.
// NER_DAMAGED where a row of `vectors` is not what its checksum says; *damaged_row (may be null) is its number then.
ner_status ner_search_top_k(ner_instruction_set set, const ner_segments *segments, const ner_selection *selection,
                            const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                            uint32_t *rows, size_t *counts, uint32_t *damaged_row);

// The whole ranking for one query: every document that may be found and scores at least `minimum_score` (minus infinity:
// all of them, NaN last), in the order of ner_search_top_k, as ranking keys to be read with ner_ranking_score and
// ner_ranking_row. keys [capacity]; NER_INVALID_ARGUMENT where more than `capacity` documents are found; one for each
// document is always enough. Memory beside the keys: a block's scores for each thread, and half of the keys' while they
// are sorted.
ner_status ner_search_ranking(ner_instruction_set set, const ner_segments *segments, const ner_selection *selection,
                              const float *query, float minimum_score, unsigned threads, uint64_t *keys,
                              size_t capacity, size_t *key_count, uint32_t *damaged_row);
float ner_ranking_score(uint64_t key);
uint32_t ner_ranking_row(uint64_t key);

// scores[q * row_count + i] = the score of rows[i] for query q: the bits that ner_search_top_k gives it.
ner_status ner_search_scores(ner_instruction_set set, const ner_segments *segments, const float *queries,
                             size_t query_count, const uint32_t *rows, size_t row_count, float *scores,
                             uint32_t *damaged_row);

#ifdef __cplusplus
}
#endif
