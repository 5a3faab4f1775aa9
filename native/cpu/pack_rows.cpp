#include "ner_retriever/pack_rows.h"

#include <cstring>
#include <limits>
#include <string>

#include "last_error.h"
#include "ner_retriever/bfloat16.h"
#include "ner_retriever/crc32c.h"
#include "ner_retriever/int8_scan.h"

namespace {

using namespace ner_retriever;

ner_status check_documents(const uint32_t *documents, size_t row_count) {
  for (size_t row = 1; row < row_count; ++row)
    if (documents[row] < documents[row - 1])
      return fail(NER_INVALID_ARGUMENT, "expected documents to rise, got " + std::to_string(documents[row]) +
                                            " after " + std::to_string(documents[row - 1]) + " at row " +
                                            std::to_string(row));
  if (row_count > 0 && documents[row_count - 1] == std::numeric_limits<uint32_t>::max())
    return fail(NER_INVALID_ARGUMENT, "expected documents to be at most 4294967294, got 4294967295");
  return NER_OK;
}

void copy(const void *from, size_t bytes, void *to) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

}  // namespace

ner_status ner_pack_rows(ner_precision precision, size_t dimensions, const float *vectors, const uint32_t *documents,
                         size_t row_count, void *const *columns, uint32_t *checksums, float *longest) {
  try {
    const ner_status rising = check_documents(documents, row_count);
    if (rising != NER_OK) return rising;
    *longest = 0;
    if (precision == NER_BFLOAT16) {
      ner_bfloat16_round(vectors, row_count * dimensions, static_cast<uint16_t *>(columns[NER_COLUMN_ROWS]));
    } else {
      copy(vectors, row_count * dimensions * sizeof(float), columns[NER_COLUMN_ROWS]);
    }
    copy(documents, row_count * sizeof(uint32_t), columns[NER_COLUMN_DOCUMENTS]);
    if (precision == NER_INT8) {
      const ner_status quantised =
          ner_int8_quantise(vectors, row_count, dimensions, static_cast<int8_t *>(columns[NER_COLUMN_CODES]),
                            static_cast<float *>(columns[NER_COLUMN_SCALES]), static_cast<float *>(columns[NER_COLUMN_ERRORS]), longest);
      if (quantised != NER_OK) return quantised;
      const size_t row_bytes = dimensions * sizeof(float);
      for (size_t row = 0; row < row_count; ++row)
        static_cast<uint32_t *>(columns[NER_COLUMN_CHECKSUMS])[row] = ner_crc32c(vectors + row * dimensions, row_bytes, 0);
    }

    ner_column table[NER_MOST_COLUMNS];
    const size_t column_count = ner_segment_columns(precision, dimensions, table);
    for (size_t column = 0; column < column_count; ++column)
      checksums[column] = ner_crc32c(columns[column], row_count * table[column].row_bytes, 0);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
