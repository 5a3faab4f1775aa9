#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ner_retriever/search.h"

namespace ner_retriever {

// Rows are numbered through all segments: where row r lies.
class RowPlaces {
 public:
  struct Place {
    const ner_segment *segment;
    size_t row;  // within the segment
  };

  explicit RowPlaces(const ner_segments &segments);

  size_t row_count() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  // False: each row is a document of its own.
  bool has_documents() const noexcept { return has_documents_; }
  Place of(uint32_t row) const noexcept;
  uint32_t document_of(uint32_t row) const noexcept;

 private:
  const ner_segment *segments_;
  bool has_documents_ = false;
  std::vector<size_t> ends_;  // of each segment, in rows
};

}  // namespace ner_retriever
