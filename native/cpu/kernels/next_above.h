#pragma once

#include <cstddef>

namespace {

// The first i in [begin, end) whose score is not <= threshold, or `end`. Almost all scores are below the k-th best so
// far, so the scan spends its time here: a vector of them is passed over with one comparison.
template <class Lanes>
size_t next_above(const float *scores, size_t begin, size_t end, float threshold) {
  const auto thresholds = Lanes::broadcast(threshold);
  size_t i = begin;
  for (; i + Lanes::width <= end; i += Lanes::width) {
    const unsigned mask = Lanes::not_less_equal(Lanes::load(scores + i), thresholds);
    if (mask != 0) return i + static_cast<size_t>(__builtin_ctz(mask));
  }
  for (; i < end; ++i)
    if (!(scores[i] <= threshold)) return i;
  return end;
}

}  // namespace
