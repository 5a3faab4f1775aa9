#pragma once

#include "ner_retriever/search.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NER_MOST_COLUMNS 6

// Their places.
enum {
  NER_COLUMN_ROWS = 0, // `vectors` or `halves`
  NER_COLUMN_DOCUMENTS = 1,
  NER_COLUMN_CODES = 2,
  NER_COLUMN_SCALES = 3,
  NER_COLUMN_ERRORS = 4,
  NER_COLUMN_CHECKSUMS = 5,
};

// A column of a segment: one value, or one row of values, for each row of the index, little-endian, nothing between.
typedef struct ner_column {
  const char *name;
  size_t row_bytes;
} ner_column;

// The columns of a segment, in the order in which they are given everywhere. Returns how many they are.
//
//     float32    vectors (4d), documents (4)
//     bfloat16   halves (2d), documents (4)
//     int8       vectors (4d), documents (4), codes (d), scales (4), errors (4), checksums (4)
size_t ner_segment_columns(ner_precision precision, size_t dimensions, ner_column columns[NER_MOST_COLUMNS]);

#ifdef __cplusplus
}
#endif
