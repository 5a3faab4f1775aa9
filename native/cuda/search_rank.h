#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"
#include "row_chunk.h"
#include "search_found.cuh"

// All documents' keys for one query, some millions of rows at a time: the scan writes each row's score to the place of its
// document's first row by atomicMax on keys, then the places that reach a threshold are gathered. No list can
// overflow, so this serves whole rankings, limits beyond the fused search's, and queries whose rows flooded that. Beside
// the rows (1 KB each for 500 bfloat16) it reads and writes 8 bytes a row twice: 3 % more.

namespace ner_retriever::cuda {

// The documents at both ends of a range may go on in the next: their keys are handed out apart (0: not to be found). One
// document over the whole range is the first, and `last` is not used then.
struct RangeEnds {
  uint32_t first_document;
  uint32_t last_document;
  Key first;
  Key last;
};

struct Ranked {
  Key *best;        // [rows of a range]: room
  Key *keys;        // [rows of a range]: found, in any order
  unsigned *count;  // how many
  RangeEnds *ends;
};

// range.stride is 1. planes: query_planes of one query. found: only `thresholds` (one) and the selection are used.
void rank_rows(ner_precision precision, const RowChunk &chunk, const RowRange &range, const float *planes,
               const Found &found, const Ranked &ranked, const cudaDeviceProp &device, cudaStream_t stream);

}  // namespace ner_retriever::cuda
