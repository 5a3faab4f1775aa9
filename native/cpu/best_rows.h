#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"

namespace ner_retriever {

// The `limit` best (score, row) pairs of a stream of scores, for one query on one thread.
//
// Pairs are kept as ranking keys (ranking_key.h) and collected to twice the limit, then the best half is kept (a
// selection, linear): the same for the ten best and for a hundred thousand, where a heap would pay a logarithm for each.
// The threshold lets almost every later score be passed over without a key.
class BestRows {
 public:
  explicit BestRows(size_t limit);

  // scores [count] of the rows from `first_row` on. Rows must come in rising order.
  void offer(const Kernels &kernels, const float *scores, size_t count, uint32_t first_row);

  // Ends the collection: the keys, best first, at most `limit`.
  std::vector<uint64_t> take_sorted();

 private:
  void keep_best();

  size_t limit_;
  size_t capacity_;
  float threshold_;
  std::vector<uint64_t> keys_;
};

}  // namespace ner_retriever
