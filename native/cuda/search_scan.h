#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"
#include "row_chunk.h"
#include "search_found.cuh"

// The exact scan for few queries: every row of the range is read once and scored (score_rows.cuh) for up to 8 queries, and
// only the rows whose key reaches the query's threshold are written.
//
// It is bound by memory. 10 M rows x 500 bfloat16 are 1,008 bytes each with their padding, 10.1 GB: 3.4 ms at the
// 3.0 TB/s that an H100 (3.35 TB/s by its datasheet) copies at. A warp that scores 8 rows for one query issues 16 loads of
// 16 bytes a lane, and for each row about 16 instructions to widen, 16 to multiply and 2 to sum, 40 with the rest: 4e8
// warp instructions over 132 multiprocessors x 4 a clock at 1.7 GHz are 0.5 ms. With 8 queries it is 8 x 16 to multiply
// and 16 to sum, 180 a row: 2.0 ms, still less than the reading takes.
//
// What keeps memory busy: each lane has the loads of 8 rows (of 4 for 8 queries) under way before it uses the first,
// 512 bytes a row and warp; with 16 warps on a multiprocessor 64 KB, where 3 TB/s x 700 ns / 132 = 16 KB would
// be the least.

namespace ner_retriever::cuda {

constexpr unsigned most_scanned_queries = 8;

// planes: query_planes(query_count rounded up to 1, 2, 4 or 8).
void scan_rows(ner_precision precision, const RowChunk &chunk, const RowRange &range, const float *planes,
               unsigned query_count, const Found &found, const cudaDeviceProp &device, cudaStream_t stream);

// What query_count is rounded up to.
unsigned scanned_queries(unsigned query_count);

}  // namespace ner_retriever::cuda
