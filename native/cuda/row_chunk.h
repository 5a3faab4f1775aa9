#pragma once

#include <cstdint>

namespace ner_retriever::cuda {

// Bytes of a row are padded with zeros to a multiple of this, so that every row can be read by loads of 16 bytes.
constexpr uint32_t row_alignment = 16;

// Rows that lie together in the device's memory, with what belongs to them. Kernels get it by value. Columns that the
// precision does not have are null.
struct RowChunk {
  const unsigned char *values;  // [count, row_bytes]: float32, bfloat16, or codes of int8_scan.h
  const float *lengths;         // [count]: float32 and bfloat16: ‖r‖, as row_lengths.h says
  const float *losses;          // [count]: float32: ‖r - r'‖, r' being r rounded to bfloat16
  const float *scales;          // [count]: int8
  const float *errors;          // [count]: int8
  const uint32_t *documents;    // [count]; null: every row is a document of its own, whose number is the row's
  uint32_t row_bytes;
  uint32_t first_row;  // the number of the first
  uint32_t count;
};

// Every `stride`-th of a chunk's rows from `begin` on, `count` in all.
struct RowRange {
  uint32_t begin;
  uint32_t count;
  uint32_t stride;
};

}  // namespace ner_retriever::cuda
