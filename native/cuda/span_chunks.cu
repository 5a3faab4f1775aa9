#include "span_chunks.h"

#include <algorithm>
#include <string>

#include "runtime/failure.h"

namespace ner_retriever::cuda {

namespace {

// What a span needs of its token rows: one range, or two of NER_POOL_FIRST_LAST.
template <class Take>
void needed(const Spans &spans, size_t span, const Take &take) {
  const int32_t begin = spans.ranges[2 * span];
  const int32_t end = spans.ranges[2 * span + 1];
  switch (spans.pooling) {
    case NER_POOL_LAST:
      return take(TokenRange{end - 1, end});
    case NER_POOL_FIRST:
      return take(TokenRange{begin, begin + 1});
    case NER_POOL_MEAN:
      return take(TokenRange{begin, end});
    case NER_POOL_FIRST_LAST:
      take(TokenRange{begin, begin + 1});
      return take(TokenRange{end - 1, end});
  }
  throw Failure(NER_INVALID_ARGUMENT, "expected a pooling from 0 to 3, got " + std::to_string(spans.pooling));
}

size_t rows_needed(const Spans &spans, size_t span) {
  size_t rows = 0;
  needed(spans, span, [&](TokenRange range) { rows += static_cast<size_t>(range.end - range.begin); });
  return rows;
}

// Each token once, in ranges that rise and do not touch.
void join(std::vector<TokenRange> &ranges) {
  std::sort(ranges.begin(), ranges.end(), [](TokenRange left, TokenRange right) { return left.begin < right.begin; });
  size_t kept = 0;
  for (const TokenRange range : ranges) {
    if (kept > 0 && range.begin <= ranges[kept - 1].end)
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    else
      ranges[kept++] = range;
  }
  ranges.resize(kept);
}

}  // namespace

void check_spans(const Spans &spans, size_t tokens) {
  for (size_t span = 0; span < spans.count; ++span) {
    const int32_t begin = spans.ranges[2 * span];
    const int32_t end = spans.ranges[2 * span + 1];
    if (begin < 0 || end <= begin || static_cast<size_t>(end) > tokens)
      throw Failure(NER_INVALID_ARGUMENT, "span " + std::to_string(span) + " is [" + std::to_string(begin) + ", " +
                                              std::to_string(end) + "): expected a non-empty range within " +
                                              std::to_string(tokens) + " token rows");
  }
}

size_t most_rows_of_a_span(const Spans &spans) {
  size_t most = 0;
  for (size_t span = 0; span < spans.count; ++span) most = std::max(most, rows_needed(spans, span));
  return most;
}

bool next_chunk(const Spans &spans, size_t most_spans, size_t most_rows, SpanChunk &chunk) {
  const size_t first = chunk.first_span + chunk.span_count;
  chunk.first_span = first;
  chunk.span_count = 0;
  chunk.tokens.clear();
  // Rows that several spans share are counted for each of them here: a chunk may be smaller than it could be.
  size_t rows = 0;
  for (size_t span = first; span < spans.count && chunk.span_count < most_spans; ++span) {
    const size_t more = rows_needed(spans, span);
    if (chunk.span_count > 0 && rows + more > most_rows) break;
    rows += more;
    needed(spans, span, [&](TokenRange range) { chunk.tokens.push_back(range); });
    ++chunk.span_count;
  }
  join(chunk.tokens);

  std::vector<int32_t> places;  // of the ranges' first rows, among the chunk's
  chunk.row_count = 0;
  for (const TokenRange range : chunk.tokens) {
    places.push_back(static_cast<int32_t>(chunk.row_count));
    chunk.row_count += static_cast<size_t>(range.end - range.begin);
  }
  const auto place_of = [&](int32_t token) {
    const auto behind = std::upper_bound(chunk.tokens.begin(), chunk.tokens.end(), token,
                                         [](int32_t at, TokenRange range) { return at < range.begin; });
    const auto range = static_cast<size_t>(behind - chunk.tokens.begin()) - 1;
    return places[range] + token - chunk.tokens[range].begin;
  };
  chunk.ranges.resize(2 * chunk.span_count);
  for (size_t i = 0; i < chunk.span_count; ++i) {
    int32_t first_place = -1;
    needed(spans, first + i, [&](TokenRange range) {
      if (first_place < 0) first_place = place_of(range.begin);
      chunk.ranges[2 * i] = first_place;
      chunk.ranges[2 * i + 1] = place_of(range.end - 1) + 1;
    });
  }
  return chunk.span_count > 0;
}

}  // namespace ner_retriever::cuda
