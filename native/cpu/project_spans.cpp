#include <algorithm>
#include <string>
#include <vector>

#include "last_error.h"
#include "ner_retriever/projection.h"

ner_status ner_projection_run_spans(ner_instruction_set set, const ner_projection *projection, const float *rows,
                                    size_t tokens, const int32_t *spans, size_t span_count, ner_pooling pooling,
                                    float *out) {
  // Pooled rows that are kept at once.
  constexpr size_t at_once = 1024;
  const size_t input = ner_projection_input_dimensions(projection);
  const size_t output = ner_projection_output_dimensions(projection);
  if (pooling == NER_POOL_FIRST_LAST && input % 2 != 0)
    return ner_retriever::fail(NER_INVALID_ARGUMENT, "first and last together have an even number of columns, got " +
                                                         std::to_string(input));
  const size_t dimensions = pooling == NER_POOL_FIRST_LAST ? input / 2 : input;
  try {
    std::vector<float> pooled(std::min(span_count, at_once) * input);
    for (size_t first = 0; first < span_count; first += at_once) {
      const size_t count = std::min(span_count - first, at_once);
      ner_status status =
          ner_pool_spans(set, rows, tokens, dimensions, spans + 2 * first, count, pooling, pooled.data());
      if (status == NER_OK) status = ner_projection_run(projection, pooled.data(), count, out + first * output);
      if (status != NER_OK) return status;
    }
    return NER_OK;
  } catch (...) {
    return ner_retriever::fail_with_current_exception();
  }
}
