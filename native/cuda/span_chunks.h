#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ner_retriever/pooling.h"

namespace ner_retriever::cuda {

// Spans of token rows, in the host's memory, and how they are brought to a device that may be too small for all of them.

struct Spans {
  const int32_t *ranges;  // [count, 2], half-open
  size_t count;
  ner_pooling pooling;
};

// Failure(NER_INVALID_ARGUMENT) for one that is empty or outside.
void check_spans(const Spans &spans, size_t tokens);

// Token rows that the neediest span is made of.
size_t most_rows_of_a_span(const Spans &spans);

struct TokenRange {
  int32_t begin;
  int32_t end;
};

// Some spans in their order, and the token rows that they are made of: each of these once, and no others.
struct SpanChunk {
  size_t first_span = 0;
  size_t span_count = 0;
  std::vector<TokenRange> tokens;  // rising, with gaps between them; side by side they are the chunk's rows
  size_t row_count = 0;
  std::vector<int32_t> ranges;     // [span_count, 2], half-open ranges of the chunk's rows
};

// The spans behind `chunk`, or the first ones of a fresh one: at most `most_spans`, made of at most `most_rows` token rows (or
// one span that needs more). False where there are none.
bool next_chunk(const Spans &spans, size_t most_spans, size_t most_rows, SpanChunk &chunk);

}  // namespace ner_retriever::cuda
