#pragma once

#include "ner_retriever/segment_columns.h"

#ifdef __cplusplus
extern "C" {
#endif

// Makes the columns of new rows. vectors [row_count, dimensions], documents [row_count]: non-decreasing, each at most
// 2^32 - 2. columns: one for each of ner_segment_columns, in its order, of row_count rows; where a column is what comes in
// (documents; the vectors, but for bfloat16) it may be that very array. checksums: CRC32C of each. longest: that of
// ner_int8_quantise; 0 for the other precisions. On the calling thread. The result is the same on every machine.
ner_status ner_pack_rows(ner_precision precision, size_t dimensions, const float *vectors, const uint32_t *documents,
                         size_t row_count, void *const *columns, uint32_t *checksums, float *longest);

#ifdef __cplusplus
}
#endif
