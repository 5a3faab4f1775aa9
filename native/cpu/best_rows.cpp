#include "best_rows.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "ranking_key.h"

namespace ner_retriever {

BestRows::BestRows(size_t limit)
    : limit_(limit),
      capacity_(limit + std::max<size_t>(limit, 64)),
      threshold_(std::numeric_limits<float>::quiet_NaN()) {}  // nothing is <= NaN: all scores count at first

void BestRows::offer(const Kernels &kernels, const float *scores, size_t count, uint32_t first_row) {
  if (limit_ == 0) return;
  for (size_t i = 0; (i = kernels.next_above(scores, i, count, threshold_)) < count; ++i) {
    keys_.push_back(make_key(scores[i], first_row + static_cast<uint32_t>(i)));
    if (keys_.size() == capacity_) keep_best();
  }
}

void BestRows::keep_best() {
  if (keys_.size() <= limit_) return;
  const auto last_kept = keys_.begin() + static_cast<std::ptrdiff_t>(limit_ - 1);
  std::nth_element(keys_.begin(), last_kept, keys_.end(), std::greater<>());
  keys_.resize(limit_);
  threshold_ = score_of_key(keys_.back());
}

std::vector<uint64_t> BestRows::take_sorted() {
  keep_best();
  std::sort(keys_.begin(), keys_.end(), std::greater<>());
  return std::move(keys_);
}

}  // namespace ner_retriever
