#include "candidate_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace ner_retriever {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Candidate make_candidate(float upper, float error, Int8Bound bound, uint32_t row) {
  const float lower = upper - 2 * (error * bound.error_factor + bound.rest);
  // Where a bound is infinite, differences of infinities are NaN: nothing is known then.
  return {lower == lower ? lower : -infinity, upper == upper ? upper : infinity, row};
}

}  // namespace

float keep_candidates(std::vector<Candidate> &candidates, size_t limit) {
  if (candidates.size() < limit) return -infinity;
  std::vector<float> lowers(candidates.size());
  std::transform(candidates.begin(), candidates.end(), lowers.begin(), [](const Candidate &one) { return one.lower; });
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

void CandidateRows::offer(const Kernels &kernels, const float *uppers, const float *errors, Int8Bound bound,
                          size_t count, uint32_t first_row) {
  for (size_t i = 0; (i = kernels.next_above(uppers, i, count, threshold_)) < count; ++i) {
    candidates_.push_back(make_candidate(uppers[i], errors[i], bound, first_row + static_cast<uint32_t>(i)));
    if (candidates_.size() < capacity_) continue;
    // A row whose upper bound equals the least one that is needed may tie with it, so the threshold is just below.
    threshold_ = std::nextafterf(keep_candidates(candidates_, limit_), -infinity);
    if (candidates_.size() > most_) {
      gave_up_ = true;
      std::vector<Candidate>().swap(candidates_);
      return;
    }
    capacity_ = std::max(capacity_, 2 * candidates_.size());
  }
}

std::vector<Candidate> CandidateRows::take() {
  keep_candidates(candidates_, limit_);
  return std::move(candidates_);
}

}  // namespace ner_retriever
