#pragma once

#include <cuda_runtime.h>

#include "ner_retriever/search.h"
#include "row_chunk.h"
#include "search_found.cuh"

// The coarse pass for many queries: products on the tensor cores, from which every row gets an upper and a lower bound on
// its score; the rows whose upper bound reaches the query's threshold are written. No matrix of scores exists anywhere.
//
// 1,024 queries x 10 M rows x 500 dimensions (512 with the padding) are 1.05e16 operations: 13 ms at the 800 TFLOP/s that
// an H100 does in bfloat16 with wgmma (989 by its datasheet), and perhaps 20 ms with mma.sync, which is what this kernel
// uses, on every GPU from sm_80 on, and which reaches some 60 % of that on Hopper. The rows are 10.1 GB: 3.4 ms. So it is
// bound by the tensor cores. A matrix product followed by a top-k does the same product at best in 13 ms, writes 10 M x
// 1,024 scores of 2 bytes, 20 GB, and reads them again at least once: 14 ms more at 3 TB/s, where the radix select of a
// library reads them several times.
//
// A block holds 128 queries (64, 16) in shared memory for good and goes through tiles of 256 rows, which come in pieces of
// 64 bytes a row through a ring of 4 buffers by cp.async (float32 rows: through registers, rounded on the way). So only
// rows cross from the second-level cache: 128 operations for each byte, 4 TB/s at 500 TFLOP/s. The blocks with the other
// queries read the same rows at about the same time: from memory they come once. 8 warps compute 64 rows x 64 queries
// each: of a piece, 16 ldmatrix and 64 mma. Rows in shared memory are 16 bytes further apart than they are long, and so are
// queries: so 8 of them, which one ldmatrix reads, lie in different banks.
//
// The bounds cost about 4 instructions for each score and lane, 512 a tile, beside 1,024 mma.
//
// int8: the same with mma on bytes, exact whole numbers, and the bounds of int8_scan.h.

namespace ner_retriever::cuda {

// What a query brings: coarse_bound.h's of_length, of_loss and rest, or the int8 bound's error_factor, query_scale, rest.
struct alignas(16) QueryBound {
  float of_row;
  float of_loss_or_scale;
  float rest;
  float unused;
};

constexpr size_t coarse_piece_bytes = 64;

// Queries that a block takes, of rows with so many bytes of bfloat16 or codes; 0: none would fit.
unsigned coarse_query_tile(ner_precision precision, size_t coarse_bytes, unsigned query_count, const cudaDeviceProp &device);

// A row's bytes as the tensor cores want them, in whole pieces: what a query takes.
size_t coarse_row_bytes(ner_precision precision, size_t dimensions);

// queries [query_count rounded up to the tile, coarse_row_bytes], zero where there is none; bounds [the same].
void scan_coarsely(ner_precision precision, unsigned query_tile, const RowChunk &chunk, const RowRange &range,
                   size_t dimensions, const unsigned char *queries, const QueryBound *bounds, unsigned query_count,
                   const Found &found, const cudaDeviceProp &device, cudaStream_t stream);

}  // namespace ner_retriever::cuda
