#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "int8_bound.h"
#include "kernels.h"

namespace ner_retriever {

// A row's float32 score lies between these.
struct Candidate {
  float lower;
  float upper;
  uint32_t row;
};

// Of a stream of rows with bounds on their scores, those that may be among the `limit` best, for one query on one thread.
//
// `limit` rows score at least the `limit`-th best lower bound: what stays below it is out. As in BestRows, rows are
// collected to twice what was kept, and the threshold lets almost every later row be passed over at once.
//
// Where more than `most` rows are left, too many scores are too close to tell them apart, and the collection gives up.
class CandidateRows {
 public:
  CandidateRows(size_t limit, size_t most);

  // uppers, errors [count] of the rows from `first_row` on. An upper bound of NaN says nothing, so the row is kept.
  void offer(const Kernels &kernels, const float *uppers, const float *errors, Int8Bound bound, size_t count,
             uint32_t first_row);

  bool gave_up() const { return gave_up_; }

  // Ends the collection.
  std::vector<Candidate> take();

 private:
  size_t limit_;
  size_t most_;
  size_t capacity_;
  bool gave_up_ = false;
  float threshold_;
  std::vector<Candidate> candidates_;
};

// Leaves those whose upper bound is not below the `limit`-th best lower bound, which is returned (minus infinity where
// there are not as many).
float keep_candidates(std::vector<Candidate> &candidates, size_t limit);

}  // namespace ner_retriever
