#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "int8_bound.h"
#include "kernels.h"
#include "row_blocks.h"

namespace ner_retriever {

// A row's float32 score lies between these.
struct Candidate {
  float lower;
  float upper;
  uint32_t row;
  uint32_t document;
};

// Of one query.
struct Candidates {
  std::vector<Candidate> rows;  // in rising order
  bool too_many = false;        // and then there are none
};

// Of a stream of rows with bounds on their scores, those that may be the best of one of the `limit` best documents, for
// one query on one thread.
//
// A document scores at least what the best lower bound of its rows says, and `limit` documents score at least the
// `limit`-th best of those: rows that stay below it are out, and so are those that stay below another of their document.
// As in BestDocuments, rows are collected to twice what was kept, and the threshold lets almost every later row be passed
// over at once.
//
// Where more than `most` rows are left, too many scores are too close to tell them apart, and the collection gives up.
class CandidateRows {
 public:
  CandidateRows(size_t limit, size_t most);

  // uppers [rows.count()]: an upper bound of NaN says nothing, so the row is kept. Rows must come in rising order.
  void offer(const Kernels &kernels, const float *uppers, Int8Bound bound, const RowBlock &rows);

  void give_up();
  bool gave_up() const { return gave_up_; }
  size_t size() const { return candidates_.size(); }

  // Ends the collection: in rising order.
  std::vector<Candidate> take();

 private:
  size_t limit_;
  size_t most_;
  size_t capacity_;
  bool gave_up_ = false;
  float threshold_;
  std::vector<Candidate> candidates_;
};

// candidates: in rising order. Leaves those whose upper bound is neither below the best lower bound of their document nor
// below the `limit`-th best of all documents, which is returned (minus infinity where there are not as many).
float keep_candidates(std::vector<Candidate> &candidates, size_t limit);

// The end of the candidates from `begin` on that are of one document.
size_t document_end(const std::vector<Candidate> &candidates, size_t begin) noexcept;

}  // namespace ner_retriever
