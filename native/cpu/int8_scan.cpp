#include "ner_retriever/int8_scan.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "candidate_rows.h"
#include "int8_kernels.h"
#include "kernels.h"
#include "last_error.h"
#include "ner_retriever/scan.h"
#include "ranking_key.h"
#include "run_on_threads.h"

namespace {

using namespace ner_retriever;

// Bytes of codes that are scored against all queries before the next are read: they stay in the second-level cache.
constexpr size_t block_bytes = 128 * 1024;
// Queries whose scores of a block are kept at once.
constexpr size_t query_group = 64;
// Multiply-adds of bytes below which a second thread costs more than it brings.
constexpr size_t work_for_a_thread = 1 << 21;
// Candidates that a thread scores again before it takes the next.
constexpr size_t candidates_at_once = 256;
// Where more than one row in so many is a candidate, reading all of them in order is faster than these one by one.
constexpr size_t rows_for_a_candidate = 16;

struct Block {
  const ner_int8_rows *segment;
  size_t begin;  // within the segment
  size_t count;
  uint32_t first_row;
};

std::vector<Block> cut_into_blocks(const ner_int8_rows *segments, size_t segment_count, size_t dimensions) {
  const size_t block_rows = std::max<size_t>(16, block_bytes / dimensions / 16 * 16);
  std::vector<Block> blocks;
  size_t first_row = 0;
  for (size_t segment = 0; segment < segment_count; ++segment) {
    const size_t count = segments[segment].count;
    for (size_t row = 0; row < count; row += block_rows)
      blocks.push_back({&segments[segment], row, std::min(block_rows, count - row),
                        static_cast<uint32_t>(first_row + row)});
    first_row += count;
  }
  return blocks;
}

struct QuantisedQueries {
  size_t stride;              // bytes
  std::vector<int8_t> codes;  // [count, stride]
  std::vector<QuantisedQuery> queries;
};

QuantisedQueries quantise_queries(const float *queries, size_t count, size_t dimensions) {
  const size_t stride = (dimensions + int8_query_padding - 1) / int8_query_padding * int8_query_padding;
  QuantisedQueries quantised{stride, std::vector<int8_t>(count * stride), std::vector<QuantisedQuery>(count)};
  for (size_t i = 0; i < count; ++i) {
    const float *query = queries + i * dimensions;
    QuantisedQuery &made = quantised.queries[i];
    float longest;
    ner_int8_quantise(query, 1, dimensions, quantised.codes.data() + i * stride, &made.scale, &made.error, &longest);
    // Of a query that does not fit nothing is known: its length may be NaN.
    constexpr float infinity = std::numeric_limits<float>::infinity();
    made.length = made.error == infinity ? infinity : length_of(query, dimensions);
  }
  return quantised;
}

// The candidates of each query, from all rows: at least `limit` of them, or none where there are more than `most`.
std::vector<std::vector<Candidate>> find_candidates(const Kernels &kernels, const Int8Kernels &int8_kernels,
                                                    const std::vector<Block> &blocks, size_t dimensions,
                                                    const QuantisedQueries &queries, size_t limit, size_t most,
                                                    size_t workers) {
  const size_t query_count = queries.queries.size();
  const size_t most_rows =
      std::max_element(blocks.begin(), blocks.end(), [](const Block &a, const Block &b) { return a.count < b.count; })
          ->count;
  // found[worker][query]: threads take the next block when they are free.
  std::vector<std::vector<CandidateRows>> found(workers);
  std::atomic<size_t> next_block{0};
  run_on_threads(workers, [&](size_t worker) {
    std::vector<CandidateRows> mine(query_count, CandidateRows(limit, most));
    std::vector<int32_t> dots(std::min(query_count, query_group) * most_rows);
    std::vector<float> uppers(most_rows);
    for (size_t i; (i = next_block.fetch_add(1)) < blocks.size();) {
      if (std::all_of(mine.begin(), mine.end(), [](const CandidateRows &rows) { return rows.gave_up(); })) break;
      const Block &block = blocks[i];
      const ner_int8_rows &segment = *block.segment;
      const float *errors = segment.errors + block.begin;
      for (size_t first = 0; first < query_count; first += query_group) {
        const size_t group = std::min(query_group, query_count - first);
        int8_kernels.dots(segment.codes + block.begin * dimensions, block.count, dimensions,
                          queries.codes.data() + first * queries.stride, group, queries.stride, dots.data(),
                          block.count);
        for (size_t query = 0; query < group; ++query) {
          if (mine[first + query].gave_up()) continue;
          const Int8Bound bound = int8_bound(queries.queries[first + query], segment.longest, dimensions);
          int8_kernels.upper_bounds(dots.data() + query * block.count, segment.scales + block.begin, errors,
                                    block.count, bound, uppers.data());
          mine[first + query].offer(kernels, uppers.data(), errors, bound, block.count, block.first_row);
        }
      }
    }
    found[worker] = std::move(mine);
  });

  std::vector<std::vector<Candidate>> candidates(query_count);
  for (size_t query = 0; query < query_count; ++query) {
    bool gave_up = false;
    for (std::vector<CandidateRows> &of_worker : found) {
      gave_up = gave_up || of_worker[query].gave_up();
      const std::vector<Candidate> taken = of_worker[query].take();
      candidates[query].insert(candidates[query].end(), taken.begin(), taken.end());
    }
    keep_candidates(candidates[query], limit);
    if (gave_up || candidates[query].size() > most) std::vector<Candidate>().swap(candidates[query]);
  }
  return candidates;
}

// The float32 scores of candidates, as ner_scan_top_k computes them.
class Originals {
 public:
  Originals(const Kernels &kernels, const ner_int8_rows *segments, size_t segment_count, size_t dimensions)
      : kernels_(kernels), segments_(segments), dimensions_(dimensions) {
    size_t end = 0;
    for (size_t segment = 0; segment < segment_count; ++segment) ends_.push_back(end += segments[segment].count);
  }

  float score(const float *query, uint32_t row) const {
    float score;
    kernels_.score_block(at(row), 1, dimensions_, query, 1, &score, 1);
    return score;
  }

 private:
  const float *at(uint32_t row) const {
    const auto segment = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin());
    const size_t begin = segment == 0 ? 0 : ends_[segment - 1];
    return segments_[segment].originals + (row - begin) * dimensions_;
  }

  const Kernels &kernels_;
  const ner_int8_rows *segments_;
  size_t dimensions_;
  std::vector<size_t> ends_;  // of each segment, in rows
};

// keys[query] gets a ranking key for each candidate of the query from keys[query].size() on.
void score_candidates(const Originals &originals, const float *queries, size_t dimensions,
                      const std::vector<std::vector<Candidate>> &candidates, const std::vector<size_t> &ends,
                      std::vector<std::vector<uint64_t>> &keys, unsigned threads) {
  struct Part {
    size_t query, begin, end;
  };
  std::vector<Part> parts;
  for (size_t query = 0; query < candidates.size(); ++query) {
    for (size_t begin = keys[query].size(); begin < ends[query]; begin += candidates_at_once)
      parts.push_back({query, begin, std::min(begin + candidates_at_once, ends[query])});
    keys[query].resize(ends[query]);
  }
  std::atomic<size_t> next_part{0};
  run_on_threads(std::min<size_t>(threads, parts.size()), [&](size_t) {
    for (size_t i; (i = next_part.fetch_add(1)) < parts.size();) {
      const Part &part = parts[i];
      for (size_t at = part.begin; at < part.end; ++at) {
        const uint32_t row = candidates[part.query][at].row;
        keys[part.query][at] = make_key(originals.score(queries + part.query * dimensions, row), row);
      }
    }
  });
}

// Brings the best `limit` keys to the front.
void select_best(std::vector<uint64_t> &keys, size_t limit) {
  std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(limit - 1), keys.end(), std::greater<>());
}

// The candidates with the best upper bounds are scored first: the worst of them is a score that `limit` rows reach, and
// of the others only those are scored that may reach it too. Returns a ranking key for each row that was scored.
std::vector<std::vector<uint64_t>> score_again(const Originals &originals, const float *queries, size_t dimensions,
                                               std::vector<std::vector<Candidate>> &candidates, size_t limit,
                                               unsigned threads) {
  std::vector<std::vector<uint64_t>> keys(candidates.size());
  const auto limit_offset = static_cast<std::ptrdiff_t>(limit);
  std::vector<size_t> ends;
  for (std::vector<Candidate> &mine : candidates) {
    ends.push_back(std::min(limit, mine.size()));
    if (mine.empty()) continue;
    std::nth_element(mine.begin(), mine.begin() + (limit_offset - 1), mine.end(),
                     [](const Candidate &a, const Candidate &b) { return a.upper > b.upper; });
  }
  score_candidates(originals, queries, dimensions, candidates, ends, keys, threads);

  for (size_t query = 0; query < candidates.size(); ++query) {
    std::vector<Candidate> &mine = candidates[query];
    if (mine.empty()) continue;
    select_best(keys[query], limit);
    const float reached = score_of_key(keys[query][limit - 1]);  // NaN, which all candidates reach, where it must be
    const auto others = mine.begin() + limit_offset;
    mine.erase(std::remove_if(others, mine.end(), [&](const Candidate &one) { return one.upper < reached; }),
               mine.end());
    // In the order of memory.
    std::sort(others, mine.end(), [](const Candidate &a, const Candidate &b) { return a.row < b.row; });
    ends[query] = mine.size();
  }
  score_candidates(originals, queries, dimensions, candidates, ends, keys, threads);
  return keys;
}

}  // namespace

ner_status ner_int8_scan_top_k(ner_instruction_set set, const ner_int8_rows *segments, size_t segment_count,
                               size_t dimensions, const float *queries, size_t query_count, size_t limit,
                               unsigned threads, float *scores, uint32_t *rows, size_t *rescored) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (dimensions == 0 || dimensions > NER_INT8_MOST_DIMENSIONS)
      return fail(NER_INVALID_ARGUMENT, "expected 1 to " + std::to_string(NER_INT8_MOST_DIMENSIONS) +
                                            " dimensions, got " + std::to_string(dimensions));
    size_t row_count = 0;
    for (size_t segment = 0; segment < segment_count; ++segment) row_count += segments[segment].count;
    if (row_count > std::numeric_limits<uint32_t>::max())
      return fail(NER_INVALID_ARGUMENT, "expected fewer than 2^32 rows, got " + std::to_string(row_count));
    std::vector<ner_rows> all_originals;
    for (size_t segment = 0; segment < segment_count; ++segment)
      all_originals.push_back({segments[segment].originals, segments[segment].count});
    const auto scan_originals = [&](const float *some, size_t count, float *to_scores, uint32_t *to_rows) {
      return ner_scan_top_k(set, all_originals.data(), segment_count, dimensions, some, count, limit, threads,
                            to_scores, to_rows);
    };
    if (rescored != nullptr) std::fill_n(rescored, query_count, limit == 0 ? 0 : row_count);
    if (limit >= row_count / 2) return scan_originals(queries, query_count, scores, rows);
    if (limit == 0 || query_count == 0) return NER_OK;

    const std::vector<Block> blocks = cut_into_blocks(segments, segment_count, dimensions);
    const size_t useful = row_count * dimensions / work_for_a_thread * query_count + 1;
    const size_t workers = std::min({std::max<size_t>(threads, 1), useful, blocks.size()});
    const QuantisedQueries quantised = quantise_queries(queries, query_count, dimensions);
    const size_t most = std::max(row_count / rows_for_a_candidate, 4 * limit);
    std::vector<std::vector<Candidate>> candidates =
        find_candidates(*kernels, int8_kernels_for(set), blocks, dimensions, quantised, limit, most, workers);

    const Originals originals(*kernels, segments, segment_count, dimensions);
    std::vector<std::vector<uint64_t>> keys =
        score_again(originals, queries, dimensions, candidates, limit, static_cast<unsigned>(workers));
    std::vector<size_t> undecided;
    std::vector<float> undecided_queries;
    for (size_t query = 0; query < query_count; ++query) {
      std::vector<uint64_t> &mine = keys[query];
      if (mine.empty()) {
        undecided.push_back(query);
        undecided_queries.insert(undecided_queries.end(), queries + query * dimensions,
                                 queries + (query + 1) * dimensions);
        continue;
      }
      if (rescored != nullptr) rescored[query] = mine.size();
      select_best(mine, limit);
      std::sort(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(limit), std::greater<>());
      for (size_t place = 0; place < limit; ++place) {
        scores[query * limit + place] = score_of_key(mine[place]);
        rows[query * limit + place] = row_of_key(mine[place]);
      }
    }
    if (undecided.empty()) return NER_OK;

    std::vector<float> undecided_scores(undecided.size() * limit);
    std::vector<uint32_t> undecided_rows(undecided.size() * limit);
    const ner_status status = scan_originals(undecided_queries.data(), undecided.size(), undecided_scores.data(),
                                             undecided_rows.data());
    if (status != NER_OK) return status;
    for (size_t i = 0; i < undecided.size(); ++i) {
      std::copy_n(undecided_scores.data() + i * limit, limit, scores + undecided[i] * limit);
      std::copy_n(undecided_rows.data() + i * limit, limit, rows + undecided[i] * limit);
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
