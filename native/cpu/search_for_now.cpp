// Every row at every search, on one thread: until the search of segments comes with its own.

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

#include "bfloat16_for_now.h"
#include "kernels.h"
#include "last_error.h"
#include "ner_retriever/crc32c.h"
#include "ner_retriever/search.h"
#include "ranking_key.h"

namespace {

using namespace ner_retriever;

struct Damage {
  uint32_t row;
};

float score_row(ner_instruction_set set, const ner_segments &all, const ner_segment &segment, size_t row, size_t number,
                const float *query) {
  const size_t d = all.dimensions;
  std::vector<float> wide(d);
  if (all.precision == NER_BFLOAT16)
    ner_bfloat16_widen(segment.halves + row * d, d, wide.data());
  else
    std::copy_n(segment.vectors + row * d, d, wide.data());
  if (segment.checksums != nullptr && ner_crc32c(wide.data(), d * sizeof(float), 0) != segment.checksums[row])
    throw Damage{static_cast<uint32_t>(number)};
  float score;
  kernels_for(set)->score_block(wide.data(), 1, d, query, 1, &score, 1);
  return score;
}

std::vector<uint64_t> ranking(ner_instruction_set set, const ner_segments &all, const ner_selection *selection,
                              const float *query) {
  std::unordered_map<uint32_t, uint64_t> best;
  size_t number = 0;
  for (size_t s = 0; s < all.count; ++s)
    for (size_t row = 0; row < all.segments[s].count; ++row, ++number) {
      const uint32_t document = all.segments[s].documents[row];
      if (selection != nullptr && number < selection->first_row) continue;
      if (selection != nullptr && selection->documents != nullptr &&
          (document / 8 >= selection->documents_bytes || (selection->documents[document / 8] >> document % 8 & 1) == 0))
        continue;
      const float score = score_row(set, all, all.segments[s], row, number, query);
      uint64_t &key = best[document];
      key = std::max(key, make_key(score, static_cast<uint32_t>(number)));
    }
  std::vector<uint64_t> keys;
  for (const auto &one : best) keys.push_back(one.second);
  std::sort(keys.begin(), keys.end(), std::greater<>());
  return keys;
}

ner_status damaged(const Damage &damage, uint32_t *row) {
  *row = damage.row;
  return fail(NER_DAMAGED, "a row is not what its checksum says");
}

}  // namespace

float ner_ranking_score(uint64_t key) { return score_of_key(key); }
uint32_t ner_ranking_row(uint64_t key) { return row_of_key(key); }

ner_status ner_search_ranking(ner_instruction_set set, const ner_segments *segments, const ner_selection *selection,
                              const float *query, float minimum_score, unsigned, uint64_t *keys, size_t capacity,
                              size_t *key_count, uint32_t *damaged_row) {
  try {
    const auto found = ranking(set, *segments, selection, query);
    *key_count = 0;
    for (const uint64_t key : found) {
      if (!(minimum_score == -__builtin_inff() || score_of_key(key) >= minimum_score)) continue;
      if (*key_count == capacity) return fail(NER_INVALID_ARGUMENT, "more documents than keys");
      keys[(*key_count)++] = key;
    }
    return NER_OK;
  } catch (const Damage &damage) {
    return damaged(damage, damaged_row);
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status ner_search_scores(ner_instruction_set set, const ner_segments *segments, const float *queries,
                             size_t query_count, const uint32_t *rows, size_t row_count, float *scores,
                             uint32_t *damaged_row) {
  try {
    for (size_t q = 0; q < query_count; ++q)
      for (size_t i = 0; i < row_count; ++i) {
        size_t s = 0;
        size_t row = rows[i];
        while (row >= segments->segments[s].count) row -= segments->segments[s++].count;
        scores[q * row_count + i] =
            score_row(set, *segments, segments->segments[s], row, rows[i], queries + q * segments->dimensions);
      }
    return NER_OK;
  } catch (const Damage &damage) {
    return damaged(damage, damaged_row);
  } catch (...) {
    return fail_with_current_exception();
  }
}
