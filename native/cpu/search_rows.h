#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "candidate_rows.h"
#include "int8_kernels.h"
#include "kernels.h"
#include "row_blocks.h"

namespace ner_retriever {

// What a search goes through, whatever the queries.
struct SearchedRows {
  const Kernels &kernels;
  const Int8Kernels &int8_kernels;
  const ner_segments &segments;
  const RowPlaces &places;
  const Selection &selection;
  unsigned threads;
};

// Who finds the candidates of an int8 search for queries [query_count, dimensions]; false: nobody, they are looked for
// here. Their documents need not be filled in. Queries with too many candidates are looked at here.
using FindCandidates =
    std::function<bool(const float *queries, size_t query_count, size_t limit, std::vector<Candidates> *found)>;

// Queries that are answered together: their scores of a block are kept at once, and so is what is found for each.
constexpr size_t query_group = 64;

// For each of at most query_group queries [query_count, dimensions] the ranking keys of the `limit` best documents, best
// first. limit >= 1.
// By the scores of every row: float32 or bfloat16, or the float32 rows of an int8 index.
std::vector<std::vector<uint64_t>> search_all_rows(const SearchedRows &rows, ner_precision read, const float *queries,
                                                   size_t query_count, size_t limit);
// By the codes, and the float32 rows of those that may be among the best: the same keys. rescored [query_count], or
// null: how many float32 rows were read for each query. `find` may be empty.
std::vector<std::vector<uint64_t>> search_int8(const SearchedRows &rows, const float *queries, size_t query_count,
                                               size_t limit, size_t *rescored, const FindCandidates &find = {});

// ner_search_top_k, where somebody else may find the candidates of an int8 search.
ner_status search_top_k(ner_instruction_set set, const ner_segments &segments, const ner_selection *selection,
                        const float *queries, size_t query_count, size_t limit, unsigned threads,
                        const FindCandidates &find, float *scores, uint32_t *rows, size_t *counts, uint32_t *damaged_row);

// The ranking keys of all documents that may be found and score at least `minimum`, sorted. Returns how many there are:
// where that is more than `capacity`, what keys [capacity] holds is no ranking.
size_t rank_documents(const SearchedRows &rows, const float *query, float minimum, uint64_t *keys, size_t capacity);

}  // namespace ner_retriever
