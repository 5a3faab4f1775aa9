#pragma once

#include <string>
#include <vector>

#include "mapped_file.h"
#include "ner_retriever/segment_columns.h"

namespace ner_retriever {

// A segment whose columns are mapped. It does not change: when the segment grows, another one maps the longer files.
struct MappedSegment {
  std::vector<std::string> files;
  std::vector<MappedFile> columns;  // in the order of ner_segment_columns, as `files`
  size_t rows = 0;
  size_t blocks = 0;
  size_t documents = 0;  // different ones
  float longest = 0;

  template <class Value>
  const Value *column(size_t place) const noexcept {
    return static_cast<const Value *>(columns[place].data());
  }
};

}  // namespace ner_retriever
