#include "candidate_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace ner_retriever {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Candidate make_candidate(float upper, float error, Int8Bound bound, uint32_t row, uint32_t document) {
  const float lower = upper - 2 * (error * bound.error_factor + bound.rest);
  // Where a bound is infinite, differences of infinities are NaN: nothing is known then.
  return {lower == lower ? lower : -infinity, upper == upper ? upper : infinity, row, document};
}

}  // namespace

size_t document_end(const std::vector<Candidate> &candidates, size_t begin) noexcept {
  size_t end = begin + 1;
  while (end < candidates.size() && candidates[end].document == candidates[begin].document) ++end;
  return end;
}

float keep_candidates(std::vector<Candidate> &candidates, size_t limit) {
  std::vector<float> lowers;  // of each document
  lowers.reserve(candidates.size());
  size_t kept = 0;
  for (size_t begin = 0, end; begin < candidates.size(); begin = end) {
    end = document_end(candidates, begin);
    float lower = candidates[begin].lower;
    for (size_t i = begin + 1; i < end; ++i) lower = std::max(lower, candidates[i].lower);
    for (size_t i = begin; i < end; ++i)
      if (!(candidates[i].upper < lower)) candidates[kept++] = candidates[i];
    lowers.push_back(lower);
  }
  candidates.resize(kept);
  if (lowers.size() < limit) return -infinity;

  const auto last_kept = lowers.begin() + static_cast<std::ptrdiff_t>(limit - 1);
  std::nth_element(lowers.begin(), last_kept, lowers.end(), std::greater<>());
  const float least = *last_kept;
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                  [least](const Candidate &one) { return one.upper < least; }),
                   candidates.end());
  return least;
}

CandidateRows::CandidateRows(size_t limit, size_t most)
    : limit_(limit),
      most_(most),
      capacity_(limit + std::max<size_t>(limit, 64)),
      threshold_(std::numeric_limits<float>::quiet_NaN()) {}  // nothing is <= NaN: all rows count at first

void CandidateRows::offer(const Kernels &kernels, const float *uppers, Int8Bound bound, const RowBlock &rows) {
  const size_t count = rows.count();
  for (size_t i = 0; (i = kernels.next_above(uppers, i, count, threshold_)) < count; ++i) {
    const uint32_t document = rows.document(i);
    if (!rows.may_be_found(document)) continue;
    candidates_.push_back(make_candidate(uppers[i], rows.columns.errors[i], bound, rows.number(i), document));
    if (candidates_.size() < capacity_) continue;
    // A row whose upper bound equals the least one that is needed may tie with it, so the threshold is just below.
    threshold_ = std::nextafterf(keep_candidates(candidates_, limit_), -infinity);
    if (candidates_.size() > most_) {
      give_up();
      return;
    }
    capacity_ = std::max(capacity_, 2 * candidates_.size());
  }
}

void CandidateRows::give_up() {
  gave_up_ = true;
  std::vector<Candidate>().swap(candidates_);
}

std::vector<Candidate> CandidateRows::take() {
  keep_candidates(candidates_, limit_);
  return std::move(candidates_);
}

}  // namespace ner_retriever
