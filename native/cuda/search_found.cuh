#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "row_chunk.h"
#include "search_key.cuh"

namespace ner_retriever::cuda {

// A row whose score lies between two bounds (for an exact score both are the score), as search_key.cuh orders them.
// 16 bytes: written with one store.
struct alignas(16) Entry {
  uint32_t upper;
  uint32_t lower;
  uint32_t row;
  uint32_t document;
};

// The row of an entry that is out of the running.
constexpr uint32_t no_row = 0xffffffffu;

// What a pass over rows finds: for each query the rows that may still be among its best, in any order. Kernels get it by
// value.
struct Found {
  const Key *thresholds;  // [queries]: only rows whose key is not below it are of interest; at first 0
  unsigned *counts;       // [queries]: how many were found; beyond `capacity` they are only counted
  Entry *entries;         // [queries, capacity]
  unsigned capacity;

  // What may be found: bit o % 8 of byte o / 8 for document o, as ner_selection has it. Null: all documents.
  const uint8_t *selected;
  size_t selected_bytes;
};

__device__ inline uint32_t document_of(const RowChunk &chunk, size_t row) {
  return chunk.documents == nullptr ? chunk.first_row + static_cast<uint32_t>(row) : chunk.documents[row];
}

__device__ inline bool may_be_found(const Found &found, uint32_t document) {
  if (found.selected == nullptr) return true;
  const size_t byte = document / 8;
  return byte < found.selected_bytes && (found.selected[byte] >> (document % 8) & 1u) != 0;
}

// Adds a row of the chunk to what was found. Its document is asked only now: few rows come this far.
__device__ inline void add_found(const Found &found, const RowChunk &chunk, size_t row, unsigned query, uint32_t upper,
                                 uint32_t lower) {
  const uint32_t document = document_of(chunk, row);
  if (!may_be_found(found, document)) return;
  const unsigned place = atomicAdd(found.counts + query, 1u);
  if (place >= found.capacity) return;
  const uint4 entry = make_uint4(upper, lower, chunk.first_row + static_cast<uint32_t>(row), document);
  reinterpret_cast<uint4 *>(found.entries)[static_cast<size_t>(query) * found.capacity + place] = entry;
}

}  // namespace ner_retriever::cuda
