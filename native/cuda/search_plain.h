#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"
#include "row_chunk.h"

// The search as its definition says it: one thread for each score, the whole matrix of scores, and a full sort on the host. What
// the fast kernels must come to, in bits; for reading and for tests.
//
// For 1,024 queries and 10 M rows the matrix would be 41 GB, written and read again, beside 10 GB of rows that each thread
// reads for itself: neighbouring threads read 1 KB apart, so of each 32 bytes that are fetched 2 are used at
// once. And a multiplication takes an instruction beside two loads and a conversion.

namespace ner_retriever::cuda {

// scores [query_count, chunk.count]; queries [query_count, dimensions] as they are.
void score_plainly(ner_precision precision, const RowChunk &chunk, size_t dimensions, const float *queries,
                   size_t query_count, float *scores, cudaStream_t stream);

}  // namespace ner_retriever::cuda
