#include "originals.h"

#include "ner_retriever/crc32c.h"

namespace ner_retriever {

void check_originals(const ner_segment &segment, size_t begin, size_t count, size_t dimensions, uint32_t first_row) {
  if (segment.checksums == nullptr) return;
  for (size_t i = 0; i < count; ++i) {
    const float *row = segment.vectors + (begin + i) * dimensions;
    if (ner_crc32c(row, dimensions * sizeof(float), 0) != segment.checksums[begin + i])
      throw DamagedRow(first_row + static_cast<uint32_t>(i));
  }
}

}  // namespace ner_retriever
