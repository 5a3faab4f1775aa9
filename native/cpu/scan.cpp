#include "ner_retriever/scan.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "best_rows.h"
#include "kernels.h"
#include "last_error.h"
#include "ranking_key.h"
#include "run_on_threads.h"

namespace {

using namespace ner_retriever;

// Bytes of rows that are scored against all queries before the next rows are read: they stay in the second-level cache.
constexpr size_t block_bytes = 128 * 1024;
// Multiply-adds below which a second thread costs more than it brings.
constexpr size_t work_for_a_thread = 1 << 19;

struct Block {
  const float *data;
  size_t count;
  uint32_t first_row;
};

std::vector<Block> cut_into_blocks(const ner_rows *segments, size_t segment_count, size_t dimensions) {
  const size_t block_rows = std::max<size_t>(16, block_bytes / sizeof(float) / dimensions / 16 * 16);
  std::vector<Block> blocks;
  size_t first_row = 0;
  for (size_t segment = 0; segment < segment_count; ++segment) {
    const ner_rows &rows = segments[segment];
    for (size_t row = 0; row < rows.count; row += block_rows)
      blocks.push_back({rows.data + row * dimensions, std::min(block_rows, rows.count - row),
                        static_cast<uint32_t>(first_row + row)});
    first_row += rows.count;
  }
  return blocks;
}

// The sorted lists of all threads (for one query) -> the best `limit` of them in order.
std::vector<uint64_t> merge(const std::vector<std::vector<uint64_t>> &lists, size_t limit) {
  std::vector<uint64_t> merged;
  for (const std::vector<uint64_t> &list : lists) {
    const auto middle = static_cast<std::ptrdiff_t>(merged.size());
    merged.insert(merged.end(), list.begin(), list.end());
    std::inplace_merge(merged.begin(), merged.begin() + middle, merged.end(), std::greater<>());
    merged.resize(std::min(merged.size(), limit));
  }
  return merged;
}

}  // namespace

ner_status ner_scan_top_k(ner_instruction_set set, const ner_rows *segments, size_t segment_count, size_t dimensions,
                          const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                          uint32_t *rows) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (dimensions == 0) return fail(NER_INVALID_ARGUMENT, "expected at least 1 dimension, got 0");
    size_t row_count = 0;
    for (size_t segment = 0; segment < segment_count; ++segment) row_count += segments[segment].count;
    if (row_count > std::numeric_limits<uint32_t>::max())
      return fail(NER_INVALID_ARGUMENT, "expected fewer than 2^32 rows, got " + std::to_string(row_count));
    if (limit > row_count)
      return fail(NER_INVALID_ARGUMENT,
                  "expected a limit within " + std::to_string(row_count) + " rows, got " + std::to_string(limit));
    if (limit == 0 || query_count == 0) return NER_OK;

    const std::vector<Block> blocks = cut_into_blocks(segments, segment_count, dimensions);
    const size_t useful = row_count * dimensions / work_for_a_thread * query_count + 1;
    const size_t workers = std::min({std::max<size_t>(threads, 1), useful, blocks.size()});

    // best[query][worker]: threads take the next block when they are free, so a slow core does not hold up the others.
    std::vector<std::vector<std::vector<uint64_t>>> best(query_count, std::vector<std::vector<uint64_t>>(workers));
    std::atomic<size_t> next_block{0};
    run_on_threads(workers, [&](size_t worker) {
      std::vector<BestRows> mine(query_count, BestRows(limit));
      std::vector<float> block_scores(query_count * blocks.front().count);
      for (size_t i; (i = next_block.fetch_add(1)) < blocks.size();) {
        const Block &block = blocks[i];
        if (block_scores.size() < query_count * block.count) block_scores.resize(query_count * block.count);
        kernels->score_block(block.data, block.count, dimensions, queries, query_count, block_scores.data(),
                             block.count);
        for (size_t query = 0; query < query_count; ++query)
          mine[query].offer(*kernels, block_scores.data() + query * block.count, block.count, block.first_row);
      }
      for (size_t query = 0; query < query_count; ++query) best[query][worker] = mine[query].take_sorted();
    });

    std::atomic<size_t> next_query{0};
    run_on_threads(std::min(workers, query_count), [&](size_t) {
      for (size_t query; (query = next_query.fetch_add(1)) < query_count;) {
        const std::vector<uint64_t> merged = merge(best[query], limit);
        for (size_t place = 0; place < limit; ++place) {
          scores[query * limit + place] = score_of_key(merged[place]);
          rows[query * limit + place] = row_of_key(merged[place]);
        }
        std::vector<std::vector<uint64_t>>().swap(best[query]);
      }
    });
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
