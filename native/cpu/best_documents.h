#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "row_blocks.h"

namespace ner_retriever {

// The `limit` documents with the best rows of a stream of scores, for one query on one thread.
//
// (score, row) pairs are kept as ranking keys (ranking_key.h), one for each document, and collected to twice the limit,
// then the best half is kept (a selection, linear): the same for the ten best and for a hundred thousand, where a heap
// would pay a logarithm for each. The threshold lets almost every later score be passed over without a key, and without
// asking what document it is of and whether that may be found.
class BestDocuments {
 public:
  explicit BestDocuments(size_t limit);

  // scores [rows.count()]. Rows must come in rising order.
  void offer(const Kernels &kernels, const float *scores, const RowBlock &rows);

  // Ends the collection: the keys, best first, at most `limit`.
  std::vector<uint64_t> take_sorted();

 private:
  void keep_best();

  size_t limit_;
  size_t capacity_;
  float threshold_;
  std::vector<uint64_t> keys_;
  // The document of the row that came last, and where its key is: its next row may be better.
  uint32_t last_document_ = 0;
  size_t last_;
};

// The sorted keys of several threads (for one query) -> the best `limit` in order, each document once: its rows may
// have come to several threads.
std::vector<uint64_t> merge_best(const std::vector<std::vector<uint64_t>> &lists, const RowPlaces &places,
                                 size_t limit);

}  // namespace ner_retriever
