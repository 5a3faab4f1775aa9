#include "ner_retriever/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "last_error.h"
#include "ner_retriever/int8_scan.h"
#include "originals.h"
#include "ranking_key.h"
#include "row_scorer.h"
#include "search_rows.h"

namespace {

using namespace ner_retriever;

// What is found for so many queries at once is held, 16 bytes each for every thread.
constexpr size_t documents_at_once = size_t{1} << 20;
// Queries whose candidates somebody else finds at once.
constexpr size_t found_group = 1024;

bool has_columns(const ner_segment &segment, ner_precision precision) {
  if (precision == NER_BFLOAT16) return segment.halves != nullptr;
  if (precision == NER_FLOAT32) return segment.vectors != nullptr;
  return segment.vectors != nullptr && segment.codes != nullptr && segment.scales != nullptr &&
         segment.errors != nullptr;
}

ner_status check_segments(const ner_segments &segments) {
  const size_t most_dimensions =
      segments.precision == NER_INT8 ? NER_INT8_MOST_DIMENSIONS : std::numeric_limits<uint32_t>::max();
  if (segments.dimensions == 0 || segments.dimensions > most_dimensions)
    return fail(NER_INVALID_ARGUMENT, "expected 1 to " + std::to_string(most_dimensions) + " dimensions, got " +
                                          std::to_string(segments.dimensions));
  size_t row_count = 0;
  const ner_segment *first = nullptr;
  for (size_t i = 0; i < segments.count; ++i) {
    const ner_segment &segment = segments.segments[i];
    row_count += segment.count;
    if (segment.count == 0) continue;
    if (!has_columns(segment, segments.precision))
      return fail(NER_INVALID_ARGUMENT, "expected all columns of the precision in segment " + std::to_string(i));
    if (first == nullptr) first = &segment;
    if ((segment.documents == nullptr) != (first->documents == nullptr))
      return fail(NER_INVALID_ARGUMENT, "expected documents in all segments or in none, segment " + std::to_string(i) +
                                            " is not like the first");
  }
  if (row_count > std::numeric_limits<uint32_t>::max())
    return fail(NER_INVALID_ARGUMENT, "expected fewer than 2^32 rows, got " + std::to_string(row_count));
  return NER_OK;
}

ner_status fail_with_damage(const DamagedRow &damage, uint32_t *damaged_row) {
  if (damaged_row != nullptr) *damaged_row = damage.row;
  return fail(NER_DAMAGED, "row " + std::to_string(damage.row) + " is not what its checksum says");
}

}  // namespace

ner_status ner_retriever::search_top_k(ner_instruction_set set, const ner_segments &segments,
                                       const ner_selection *selection, const float *queries, size_t query_count,
                                       size_t limit, unsigned threads, const FindCandidates &find, float *scores,
                                       uint32_t *rows, size_t *counts, uint32_t *damaged_row) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (const ner_status status = check_segments(segments); status != NER_OK) return status;
    std::fill_n(counts, query_count, size_t{0});
    const RowPlaces places(segments);
    const size_t most = std::min(limit, places.row_count());
    if (most == 0) return NER_OK;

    const Selection selected(selection);
    const SearchedRows searched{*kernels, int8_kernels_for(set), segments, places, selected, threads};
    const size_t at_once = std::clamp<size_t>(documents_at_once / most, 1, find ? found_group : query_group);
    for (size_t first = 0; first < query_count; first += at_once) {
      const size_t group = std::min(at_once, query_count - first);
      const float *some = queries + first * segments.dimensions;
      const std::vector<std::vector<uint64_t>> keys =
          segments.precision == NER_INT8 ? search_int8(searched, some, group, most, nullptr, find)
                                         : search_all_rows(searched, segments.precision, some, group, most);
      for (size_t query = 0; query < group; ++query) {
        const std::vector<uint64_t> &mine = keys[query];
        const size_t to = (first + query) * limit;
        counts[first + query] = mine.size();
        std::transform(mine.begin(), mine.end(), scores + to, score_of_key);
        std::transform(mine.begin(), mine.end(), rows + to, row_of_key);
      }
    }
    return NER_OK;
  } catch (const DamagedRow &damage) {
    return fail_with_damage(damage, damaged_row);
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status ner_search_top_k(ner_instruction_set set, const ner_segments *segments, const ner_selection *selection,
                            const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                            uint32_t *rows, size_t *counts, uint32_t *damaged_row) {
  return search_top_k(set, *segments, selection, queries, query_count, limit, threads, {}, scores, rows, counts,
                      damaged_row);
}

ner_status ner_search_ranking(ner_instruction_set set, const ner_segments *segments, const ner_selection *selection,
                              const float *query, float minimum_score, unsigned threads, uint64_t *keys,
                              size_t capacity, size_t *key_count, uint32_t *damaged_row) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (const ner_status status = check_segments(*segments); status != NER_OK) return status;
    if (std::isnan(minimum_score)) return fail(NER_INVALID_ARGUMENT, "expected a number as minimum score, got NaN");
    const RowPlaces places(*segments);
    const Selection selected(selection);
    const SearchedRows searched{*kernels, int8_kernels_for(set), *segments, places, selected, threads};
    const size_t found = rank_documents(searched, query, minimum_score, keys, capacity);
    if (found > capacity)
      return fail(NER_INVALID_ARGUMENT, "expected room for " + std::to_string(found) + " documents, got " +
                                            std::to_string(capacity));
    *key_count = found;
    return NER_OK;
  } catch (const DamagedRow &damage) {
    return fail_with_damage(damage, damaged_row);
  } catch (...) {
    return fail_with_current_exception();
  }
}

float ner_ranking_score(uint64_t key) { return score_of_key(key); }

uint32_t ner_ranking_row(uint64_t key) { return row_of_key(key); }

ner_status ner_search_scores(ner_instruction_set set, const ner_segments *segments, const float *queries,
                             size_t query_count, const uint32_t *rows, size_t row_count, float *scores,
                             uint32_t *damaged_row) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (const ner_status status = check_segments(*segments); status != NER_OK) return status;
    const RowPlaces places(*segments);
    const ner_precision read = segments->precision == NER_INT8 ? NER_FLOAT32 : segments->precision;
    const RowScorer scorer(*kernels, read, queries, query_count, segments->dimensions);
    for (size_t i = 0; i < row_count; ++i) {
      if (rows[i] >= places.row_count())
        return fail(NER_INVALID_ARGUMENT, "expected rows below " + std::to_string(places.row_count()) + ", got " +
                                              std::to_string(rows[i]));
      const RowPlaces::Place place = places.of(rows[i]);
      if (segments->precision == NER_INT8) check_originals(*place.segment, place.row, 1, segments->dimensions, rows[i]);
      scorer.score(*place.segment, place.row, 1, scores + i, row_count);
    }
    return NER_OK;
  } catch (const DamagedRow &damage) {
    return fail_with_damage(damage, damaged_row);
  } catch (...) {
    return fail_with_current_exception();
  }
}
