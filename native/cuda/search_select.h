#pragma once

#include <cuda_runtime.h>

#include "search_found.cuh"

// What comes after a pass over rows: of the entries that it found for a query, which document is the `limit`-th best?
// A document counts by the best lower bound of its rows (for exact scores: by its best row). One block a query:
//   1. a hash table in shared memory of each document's best entry: places of entries, moved by compare-and-swap;
//   2. the `limit`-th largest key of those by radix, 8 bits a pass, from histograms in shared memory;
//   3. what is kept: the threshold, and at the end the rows, sorted in shared memory.
// Nothing depends on the order in which the entries came.
//
// Cost: 32 bytes for each entry and pass from the second-level cache; some ten microseconds for a query with a few thousand
// entries, 132 of them at once.

namespace ner_retriever::cuda {

// A row that is handed out.
struct alignas(8) FoundRow {
  uint32_t score;  // ordered_bits; of candidates: their upper bound
  uint32_t row;
};

enum class Keep {
  // The threshold alone: found from a sample of the rows, whose entries are let go.
  threshold,
  // Besides, the entries that may be the best row of one of the `limit` best documents: the others' rows become no_row.
  candidates,
  // The same, and these are handed out, in rising order of rows.
  candidates_out,
  // Exact scores: the best row of each of the `limit` best documents is handed out, best first.
  best_out,
};

struct Selected {
  Key *thresholds;     // [queries]: of Found, raised where `limit` documents reach more
  FoundRow *rows;      // [queries, capacity]
  unsigned *counts;    // [queries]: how many were handed out; more than `capacity`: that many would have been,
                       // and they are in no order
  unsigned *found;     // [queries]: how many rows the pass had found: beyond its capacity, some are missing
  unsigned capacity;
};

// exact: upper and lower bounds are the same, and equal ones go by lower row.
// Leaves found.counts at 0 where Keep is threshold or an answer is handed out.
void select_entries(Keep keep, bool exact, bool has_documents, const Found &found, unsigned query_count, unsigned limit,
                    const Selected &selected, cudaStream_t stream);

// Shared memory that a selection from so many entries takes.
size_t selection_shared_bytes(unsigned capacity);

}  // namespace ner_retriever::cuda
