#include "ner_retriever/segment_columns.h"

size_t ner_segment_columns(ner_precision precision, size_t dimensions, ner_column columns[NER_MOST_COLUMNS]) {
  size_t count = 0;
  const auto add = [&](const char *name, size_t row_bytes) { columns[count++] = {name, row_bytes}; };
  if (precision == NER_BFLOAT16)
    add("halves", dimensions * sizeof(uint16_t));
  else
    add("vectors", dimensions * sizeof(float));
  add("documents", sizeof(uint32_t));
  if (precision == NER_INT8) {
    add("codes", dimensions);
    add("scales", sizeof(float));
    add("errors", sizeof(float));
    add("checksums", sizeof(uint32_t));
  }
  return count;
}
