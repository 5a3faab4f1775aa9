#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

#include "ner_retriever/search.h"

namespace ner_retriever {

// Thrown where a row that is read is not the row that was written.
struct DamagedRow : std::exception {
  explicit DamagedRow(uint32_t damaged) noexcept : row(damaged) {}
  const char *what() const noexcept override { return "a row is not what its checksum says"; }
  uint32_t row;
};

// Checks rows [begin, begin + count) of an int8 segment's float32 vectors; `first_row` is the number of the first.
void check_originals(const ner_segment &segment, size_t begin, size_t count, size_t dimensions, uint32_t first_row);

}  // namespace ner_retriever
