#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"
#include "row_chunk.h"
#include "search_found.cuh"

// Exact scores of rows that lie anywhere, in the same bits as search_scan.h's. Bound by memory, and by how far rows are
// apart: a row of 1 KB is 8 or 9 lines of 128 bytes, so that nearly everything that is read is used. 1,024 queries with 300
// candidates each are 310 MB: 0.1 ms at 3 TB/s.

namespace ner_retriever::cuda {

// All chunks, in rising order of rows; in the device's memory.
struct RowChunks {
  const RowChunk *chunks;
  unsigned count;
};

// scores[q * score_stride + i] = that of rows[i] for query q of at most most_scanned_queries; planes as for scan_rows.
void score_chosen_rows(ner_precision precision, const RowChunks &chunks, uint32_t row_bytes, const float *planes,
                       unsigned query_count, const uint32_t *rows, size_t row_count, float *scores, size_t score_stride,
                       const cudaDeviceProp &device, cudaStream_t stream);

// Gives each entry its exact score in place of its bounds. planes: those of `query_count` queries, not rounded up.
void score_entries(ner_precision precision, const RowChunks &chunks, uint32_t row_bytes, const float *planes,
                   unsigned query_count, const Found &found, cudaStream_t stream);

}  // namespace ner_retriever::cuda
