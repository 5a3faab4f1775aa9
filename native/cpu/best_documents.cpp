#include "best_documents.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <unordered_set>
#include <utility>

#include "ranking_key.h"

namespace ner_retriever {

namespace {
constexpr size_t nowhere = std::numeric_limits<size_t>::max();
}

BestDocuments::BestDocuments(size_t limit)
    : limit_(limit),
      capacity_(limit + std::max<size_t>(limit, 64)),
      threshold_(std::numeric_limits<float>::quiet_NaN()),  // nothing is <= NaN: all scores count at first
      last_(nowhere) {}

void BestDocuments::offer(const Kernels &kernels, const float *scores, const RowBlock &rows) {
  const size_t count = rows.count();
  for (size_t i = 0; (i = kernels.next_above(scores, i, count, threshold_)) < count; ++i) {
    const uint32_t document = rows.document(i);
    if (!rows.may_be_found(document)) continue;
    const uint64_t key = make_key(scores[i], rows.number(i));
    if (last_ != nowhere && document == last_document_) {
      keys_[last_] = std::max(keys_[last_], key);
      continue;
    }
    last_document_ = document;
    last_ = keys_.size();
    keys_.push_back(key);
    if (keys_.size() == capacity_) keep_best();
  }
}

void BestDocuments::keep_best() {
  if (keys_.size() <= limit_) return;
  const uint64_t last_key = keys_[last_];
  const auto last_kept = keys_.begin() + static_cast<std::ptrdiff_t>(limit_ - 1);
  std::nth_element(keys_.begin(), last_kept, keys_.end(), std::greater<>());
  keys_.resize(limit_);
  threshold_ = score_of_key(keys_.back());
  const auto found = std::find(keys_.begin(), keys_.end(), last_key);
  last_ = found == keys_.end() ? nowhere : static_cast<size_t>(found - keys_.begin());
}

std::vector<uint64_t> BestDocuments::take_sorted() {
  keep_best();
  std::sort(keys_.begin(), keys_.end(), std::greater<>());
  return std::move(keys_);
}

std::vector<uint64_t> merge_best(const std::vector<std::vector<uint64_t>> &lists, const RowPlaces &places,
                                 size_t limit) {
  if (lists.size() == 1) return lists.front();
  std::vector<uint64_t> merged;
  for (const std::vector<uint64_t> &list : lists) {
    const auto middle = static_cast<std::ptrdiff_t>(merged.size());
    merged.insert(merged.end(), list.begin(), list.end());
    std::inplace_merge(merged.begin(), merged.begin() + middle, merged.end(), std::greater<>());
  }
  if (places.has_documents()) {
    std::unordered_set<uint32_t> seen;
    const auto is_repeated = [&](uint64_t key) { return !seen.insert(places.document_of(row_of_key(key))).second; };
    merged.erase(std::remove_if(merged.begin(), merged.end(), is_repeated), merged.end());
  }
  merged.resize(std::min(merged.size(), limit));
  return merged;
}

}  // namespace ner_retriever
