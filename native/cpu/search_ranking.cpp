#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "originals.h"
#include "quantised_queries.h"
#include "ranking_key.h"
#include "row_scorer.h"
#include "run_on_threads.h"
#include "search_rows.h"
#include "sort_keys.h"

namespace ner_retriever {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
// Keys that a thread keeps before it writes them where all threads do.
constexpr size_t keys_at_once = 1024;

// Keys that all threads write, in any order. Those beyond the capacity are only counted.
class SharedKeys {
 public:
  SharedKeys(uint64_t *keys, size_t capacity) : keys_(keys), capacity_(capacity) {}

  void append(const std::vector<uint64_t> &some) {
    const size_t at = count_.fetch_add(some.size());
    if (at < capacity_) std::copy_n(some.begin(), std::min(some.size(), capacity_ - at), keys_ + at);
  }
  size_t count() const { return count_.load(); }

 private:
  uint64_t *keys_;
  size_t capacity_;
  std::atomic<size_t> count_{0};
};

// The best row of each document that scores at least the minimum, of one thread's stream of rows.
class DocumentKeys {
 public:
  DocumentKeys(const Kernels &kernels, float minimum, SharedKeys &keys)
      : kernels_(kernels), minimum_(minimum), threshold_(just_below(minimum)), keys_(keys) {
    pending_.reserve(keys_at_once);
  }

  // What a score or its upper bound must be above: NaN, which lets everything pass, where nothing is asked for.
  static float just_below(float minimum) {
    return minimum == -infinity ? std::numeric_limits<float>::quiet_NaN() : std::nextafterf(minimum, -infinity);
  }

  // scores [count]: those of the block's rows from `begin` on.
  void offer(const float *scores, const RowBlock &rows, size_t begin, size_t count) {
    for (size_t i = 0; (i = kernels_.next_above(scores, i, count, threshold_)) < count; ++i) {
      const uint32_t document = rows.document(begin + i);
      if ((std::isnan(scores[i]) && minimum_ > -infinity) || !rows.may_be_found(document)) continue;
      const uint64_t key = make_key(scores[i], rows.number(begin + i));
      if (any_ && document == last_document_) {
        pending_.back() = std::max(pending_.back(), key);
        continue;
      }
      if (pending_.size() == keys_at_once) finish();
      pending_.push_back(key);
      last_document_ = document;
      any_ = true;
    }
  }

  void finish() {
    keys_.append(pending_);
    pending_.clear();
  }

 private:
  const Kernels &kernels_;
  float minimum_, threshold_;
  SharedKeys &keys_;
  std::vector<uint64_t> pending_;  // the last one's document may go on
  uint32_t last_document_ = 0;
  bool any_ = false;
};

void rank_all_rows(const SearchedRows &rows, ner_precision read, const float *query, float minimum, SharedKeys &keys) {
  RowBlocks blocks(rows.segments, rows.places, rows.selection, read, true);
  const RowScorer scorer(rows.kernels, read, query, 1, rows.segments.dimensions);
  run_on_threads(blocks.workers(rows.threads, 1), [&](size_t) {
    DocumentKeys mine(rows.kernels, minimum, keys);
    std::vector<float> scores(blocks.block_rows());
    RowBlockReader reader(blocks);
    RowBlock block;
    while (reader.next(block)) {
      scorer.score(block.columns, 0, block.count(), scores.data(), block.count());
      mine.offer(scores.data(), block, 0, block.count());
    }
    mine.finish();
  });
}

// The end of the rows from `begin` on that may reach the minimum, may be found, and follow each other in memory.
size_t end_of_run(const RowBlock &block, const float *uppers, float threshold, size_t begin) {
  size_t end = begin + 1;
  while (end < block.count() && !(uppers[end] <= threshold) && block.number(end) == block.number(end - 1) + 1 &&
         block.may_be_found(block.document(end)))
    ++end;
  return end;
}

// Of the float32 rows those are read whose upper bound reaches the minimum.
void rank_by_codes(const SearchedRows &rows, const float *query, float minimum, SharedKeys &keys) {
  const size_t dimensions = rows.segments.dimensions;
  const QuantisedQueries quantised = quantise_queries(query, 1, dimensions);
  const RowScorer scorer(rows.kernels, NER_FLOAT32, query, 1, dimensions);
  const float threshold = DocumentKeys::just_below(minimum);
  RowBlocks blocks(rows.segments, rows.places, rows.selection, NER_INT8, true);
  run_on_threads(blocks.workers(rows.threads, 1), [&](size_t) {
    DocumentKeys mine(rows.kernels, minimum, keys);
    std::vector<int32_t> dots(blocks.block_rows());
    std::vector<float> uppers(blocks.block_rows()), scores(blocks.block_rows());
    RowBlockReader reader(blocks);
    RowBlock block;
    while (reader.next(block)) {
      const ner_segment &columns = block.columns;
      const size_t count = block.count();
      rows.int8_kernels.dots(columns.codes, count, dimensions, quantised.codes.data(), 1, quantised.stride, dots.data(),
                             count);
      rows.int8_kernels.upper_bounds(dots.data(), columns.scales, columns.errors, count,
                                     int8_bound(quantised.queries[0], columns.longest, dimensions), uppers.data());
      for (size_t i = 0; (i = rows.kernels.next_above(uppers.data(), i, count, threshold)) < count;) {
        const size_t begin = i++;
        if (!block.may_be_found(block.document(begin))) continue;
        i = end_of_run(block, uppers.data(), threshold, begin);
        const RowPlaces::Place place = rows.places.of(block.number(begin));
        check_originals(*place.segment, place.row, i - begin, dimensions, block.number(begin));
        scorer.score(*place.segment, place.row, i - begin, scores.data(), i - begin);
        mine.offer(scores.data(), block, begin, i - begin);
      }
    }
    mine.finish();
  });
}

}  // namespace

size_t rank_documents(const SearchedRows &rows, const float *query, float minimum, uint64_t *keys, size_t capacity) {
  SharedKeys found(keys, capacity);
  if (rows.segments.precision != NER_INT8) rank_all_rows(rows, rows.segments.precision, query, minimum, found);
  else if (minimum == -infinity) rank_all_rows(rows, NER_FLOAT32, query, minimum, found);
  else rank_by_codes(rows, query, minimum, found);
  if (found.count() <= capacity) sort_keys(keys, found.count(), rows.threads);
  return found.count();
}

}  // namespace ner_retriever
