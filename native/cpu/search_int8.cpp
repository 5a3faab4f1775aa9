#include <algorithm>
#include <atomic>
#include <functional>

#include "candidate_rows.h"
#include "originals.h"
#include "quantised_queries.h"
#include "ranking_key.h"
#include "run_on_threads.h"
#include "search_rows.h"

namespace ner_retriever {

namespace {

// Candidates that a thread scores again before it takes the next.
constexpr size_t candidates_at_once = 256;
// Where more than one row in so many is a candidate, reading all of them in order is faster than these one by one.
constexpr size_t rows_for_a_candidate = 16;
// What a thread collects at most, over all queries: 64 MiB.
constexpr size_t most_candidates = size_t{1} << 22;

// The query with the most candidates gives up, until those of all queries are few enough.
void keep_few_enough(std::vector<CandidateRows> &queries) {
  size_t held = 0;
  for (const CandidateRows &query : queries) held += query.size();
  while (held > most_candidates) {
    CandidateRows &largest = *std::max_element(
        queries.begin(), queries.end(), [](const auto &a, const auto &b) { return a.size() < b.size(); });
    held -= largest.size();
    largest.give_up();
  }
}

// The candidates of all threads, for one query.
Candidates merge_candidates(const std::vector<std::vector<Candidate>> &lists, size_t limit, size_t most) {
  Candidates merged;
  for (const std::vector<Candidate> &list : lists) {
    const auto middle = static_cast<std::ptrdiff_t>(merged.rows.size());
    merged.rows.insert(merged.rows.end(), list.begin(), list.end());
    std::inplace_merge(merged.rows.begin(), merged.rows.begin() + middle, merged.rows.end(),
                       [](const Candidate &a, const Candidate &b) { return a.row < b.row; });
  }
  keep_candidates(merged.rows, limit);
  merged.too_many = merged.rows.size() > most;
  return merged;
}

std::vector<Candidates> find_by_codes(const SearchedRows &rows, const QuantisedQueries &queries, size_t limit,
                                      size_t most) {
  const size_t dimensions = rows.segments.dimensions;
  const size_t query_count = queries.queries.size();
  RowBlocks blocks(rows.segments, rows.places, rows.selection, NER_INT8, false);
  const size_t workers = blocks.workers(rows.threads, query_count);

  // found[query][worker]: threads take the next block when they are free.
  std::vector<std::vector<std::vector<Candidate>>> found(query_count, std::vector<std::vector<Candidate>>(workers));
  std::vector<std::atomic<bool>> gave_up(query_count);
  run_on_threads(workers, [&](size_t worker) {
    std::vector<CandidateRows> mine(query_count, CandidateRows(limit, most));
    std::vector<int32_t> dots(query_count * blocks.block_rows());
    std::vector<float> uppers(blocks.block_rows());
    RowBlockReader reader(blocks);
    RowBlock block;
    const auto is_true = [](const std::atomic<bool> &one) { return one.load(std::memory_order_relaxed); };
    while (!std::all_of(gave_up.begin(), gave_up.end(), is_true) && reader.next(block)) {
      const size_t count = block.count();
      const ner_segment &columns = block.columns;
      rows.int8_kernels.dots(columns.codes, count, dimensions, queries.codes.data(), query_count, queries.stride,
                             dots.data(), count);
      for (size_t query = 0; query < query_count; ++query) {
        if (is_true(gave_up[query])) {
          mine[query].give_up();
          continue;
        }
        const Int8Bound bound = int8_bound(queries.queries[query], columns.longest, dimensions);
        rows.int8_kernels.upper_bounds(dots.data() + query * count, columns.scales, columns.errors, count, bound,
                                       uppers.data());
        mine[query].offer(rows.kernels, uppers.data(), bound, block);
      }
      keep_few_enough(mine);
      for (size_t query = 0; query < query_count; ++query)
        if (mine[query].gave_up()) gave_up[query] = true;
    }
    for (size_t query = 0; query < query_count; ++query)
      if (!gave_up[query]) found[query][worker] = mine[query].take();
  });

  std::vector<Candidates> candidates(query_count);
  for (size_t query = 0; query < query_count; ++query) {
    if (gave_up[query]) candidates[query].too_many = true;
    else candidates[query] = merge_candidates(found[query], limit, most);
    std::vector<std::vector<Candidate>>().swap(found[query]);
  }
  return candidates;
}

// Those that `find` does not find are found here.
std::vector<Candidates> find_candidates(const SearchedRows &rows, const float *queries, size_t query_count, size_t limit,
                                        size_t most, const FindCandidates &find) {
  const size_t dimensions = rows.segments.dimensions;
  std::vector<Candidates> candidates;
  if (!find || !find(queries, query_count, limit, &candidates))
    return find_by_codes(rows, quantise_queries(queries, query_count, dimensions), limit, most);
  for (size_t query = 0; query < query_count; ++query) {
    if (candidates[query].too_many)
      candidates[query] =
          std::move(find_by_codes(rows, quantise_queries(queries + query * dimensions, 1, dimensions), limit, most)[0]);
    else
      for (Candidate &one : candidates[query].rows) one.document = rows.places.document_of(one.row);
  }
  return candidates;
}

struct Rescored {
  uint32_t document;
  uint64_t key;
};

// scored[query] gets the candidates of the query from scored[query].size() on, as the float32 rows say.
void score_rows(const SearchedRows &rows, const float *queries, const std::vector<Candidates> &candidates,
                const std::vector<size_t> &ends, std::vector<std::vector<Rescored>> &scored) {
  const size_t dimensions = rows.segments.dimensions;
  struct Part {
    size_t query, begin, end;
  };
  std::vector<Part> parts;
  for (size_t query = 0; query < candidates.size(); ++query) {
    for (size_t begin = scored[query].size(); begin < ends[query]; begin += candidates_at_once)
      parts.push_back({query, begin, std::min(begin + candidates_at_once, ends[query])});
    scored[query].resize(ends[query]);
  }
  std::atomic<size_t> next_part{0};
  run_on_threads(std::min<size_t>(std::max(rows.threads, 1u), parts.size()), [&](size_t) {
    for (size_t i; (i = next_part.fetch_add(1)) < parts.size();) {
      const Part &part = parts[i];
      for (size_t at = part.begin; at < part.end; ++at) {
        const Candidate &candidate = candidates[part.query].rows[at];
        const RowPlaces::Place place = rows.places.of(candidate.row);
        check_originals(*place.segment, place.row, 1, dimensions, candidate.row);
        float score;
        rows.kernels.score_block(place.segment->vectors + place.row * dimensions, 1, dimensions,
                                 queries + part.query * dimensions, 1, &score, 1);
        scored[part.query][at] = {candidate.document, make_key(score, candidate.row)};
      }
    }
  });
}

// Brings the row with the best upper bound of each of the `limit` documents where that is best to the front, and
// returns how many there are. The others follow in the order of memory.
size_t bring_promising_to_front(std::vector<Candidate> &candidates, size_t limit) {
  std::vector<size_t> best;  // of each document
  for (size_t begin = 0, end; begin < candidates.size(); begin = end) {
    end = document_end(candidates, begin);
    const auto row = std::max_element(candidates.begin() + static_cast<std::ptrdiff_t>(begin),
                                      candidates.begin() + static_cast<std::ptrdiff_t>(end),
                                      [](const Candidate &a, const Candidate &b) { return a.upper < b.upper; });
    best.push_back(static_cast<size_t>(row - candidates.begin()));
  }
  if (best.size() > limit) {
    std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(limit), best.end(),
                     [&](size_t a, size_t b) { return candidates[a].upper > candidates[b].upper; });
    best.resize(limit);
  }
  std::sort(best.begin(), best.end());
  std::vector<Candidate> ordered;
  ordered.reserve(candidates.size());
  for (const size_t at : best) ordered.push_back(candidates[at]);
  size_t next = 0;
  for (size_t at = 0; at < candidates.size(); ++at) {
    if (next < best.size() && best[next] == at) ++next;
    else ordered.push_back(candidates[at]);
  }
  candidates = std::move(ordered);
  return best.size();
}

// One promising row of `limit` documents is scored first: the worst of them is a score that `limit` documents reach,
// and of the other candidates only those are scored that may reach it too.
std::vector<std::vector<Rescored>> score_again(const SearchedRows &rows, const float *queries,
                                               std::vector<Candidates> &candidates, size_t limit) {
  std::vector<std::vector<Rescored>> scored(candidates.size());
  std::vector<size_t> ends;
  for (Candidates &mine : candidates) ends.push_back(bring_promising_to_front(mine.rows, limit));
  score_rows(rows, queries, candidates, ends, scored);

  for (size_t query = 0; query < candidates.size(); ++query) {
    std::vector<Candidate> &mine = candidates[query].rows;
    if (ends[query] == limit) {
      const auto worst = std::min_element(scored[query].begin(), scored[query].end(),
                                          [](const Rescored &a, const Rescored &b) { return a.key < b.key; });
      const float reached = score_of_key(worst->key);  // NaN, which all candidates reach, where it must be
      mine.erase(std::remove_if(mine.begin() + static_cast<std::ptrdiff_t>(limit), mine.end(),
                                [&](const Candidate &one) { return one.upper < reached; }),
                 mine.end());
    }
    ends[query] = mine.size();
  }
  score_rows(rows, queries, candidates, ends, scored);
  return scored;
}

// The keys of the best rows of the `limit` best documents, best first.
std::vector<uint64_t> best_of(std::vector<Rescored> &scored, size_t limit) {
  std::sort(scored.begin(), scored.end(), [](const Rescored &a, const Rescored &b) {
    return a.document != b.document ? a.document < b.document : a.key > b.key;
  });
  std::vector<uint64_t> keys;
  for (size_t i = 0; i < scored.size(); ++i)
    if (i == 0 || scored[i].document != scored[i - 1].document) keys.push_back(scored[i].key);
  const size_t count = std::min(limit, keys.size());
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end(), std::greater<>());
  keys.resize(count);
  return keys;
}

}  // namespace

std::vector<std::vector<uint64_t>> search_int8(const SearchedRows &rows, const float *queries, size_t query_count,
                                               size_t limit, size_t *rescored, const FindCandidates &find) {
  const size_t dimensions = rows.segments.dimensions;
  const size_t row_count = rows.places.row_count();
  if (rescored != nullptr) std::fill_n(rescored, query_count, row_count);
  if (limit >= row_count / 2) return search_all_rows(rows, NER_FLOAT32, queries, query_count, limit);

  const size_t most = std::max(4 * limit, row_count / rows_for_a_candidate);
  std::vector<Candidates> candidates = find_candidates(rows, queries, query_count, limit, most, find);
  std::vector<std::vector<Rescored>> scored = score_again(rows, queries, candidates, limit);

  std::vector<std::vector<uint64_t>> keys(query_count);
  std::vector<size_t> undecided;
  std::vector<float> undecided_queries;
  for (size_t query = 0; query < query_count; ++query) {
    if (candidates[query].too_many) {
      undecided.push_back(query);
      undecided_queries.insert(undecided_queries.end(), queries + query * dimensions,
                               queries + (query + 1) * dimensions);
      continue;
    }
    if (rescored != nullptr) rescored[query] = scored[query].size();
    keys[query] = best_of(scored[query], limit);
  }
  if (undecided.empty()) return keys;

  std::vector<std::vector<uint64_t>> decided =
      search_all_rows(rows, NER_FLOAT32, undecided_queries.data(), undecided.size(), limit);
  for (size_t i = 0; i < undecided.size(); ++i) keys[undecided[i]] = std::move(decided[i]);
  return keys;
}

}  // namespace ner_retriever
