#include <algorithm>
#include <atomic>

#include "best_documents.h"
#include "row_scorer.h"
#include "run_on_threads.h"
#include "search_rows.h"

namespace ner_retriever {

std::vector<std::vector<uint64_t>> search_all_rows(const SearchedRows &rows, ner_precision read, const float *queries,
                                                   size_t query_count, size_t limit) {
  RowBlocks blocks(rows.segments, rows.places, rows.selection, read, false);
  const RowScorer scorer(rows.kernels, read, queries, query_count, rows.segments.dimensions);
  const size_t workers = blocks.workers(rows.threads, query_count);

  // best[query][worker]: threads take the next block when they are free, so a slow core does not hold up the others.
  std::vector<std::vector<std::vector<uint64_t>>> best(query_count, std::vector<std::vector<uint64_t>>(workers));
  run_on_threads(workers, [&](size_t worker) {
    std::vector<BestDocuments> mine(query_count, BestDocuments(limit));
    std::vector<float> scores(query_count * blocks.block_rows());
    RowBlockReader reader(blocks);
    RowBlock block;
    while (reader.next(block)) {
      scorer.score(block.columns, 0, block.count(), scores.data(), block.count());
      for (size_t query = 0; query < query_count; ++query)
        mine[query].offer(rows.kernels, scores.data() + query * block.count(), block);
    }
    for (size_t query = 0; query < query_count; ++query) best[query][worker] = mine[query].take_sorted();
  });

  std::vector<std::vector<uint64_t>> merged(query_count);
  std::atomic<size_t> next_query{0};
  run_on_threads(std::min(workers, query_count), [&](size_t) {
    for (size_t query; (query = next_query.fetch_add(1)) < query_count;)
      merged[query] = merge_best(best[query], rows.places, limit);
  });
  return merged;
}

}  // namespace ner_retriever
