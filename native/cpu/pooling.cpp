#include "ner_retriever/pooling.h"

#include <cstring>
#include <string>

#include "kernels.h"
#include "last_error.h"

using namespace ner_retriever;

ner_status ner_pool_spans(ner_instruction_set set, const float *rows, size_t tokens, size_t dimensions,
                          const int32_t *spans, size_t span_count, ner_pooling pooling, float *out) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (dimensions == 0) return fail(NER_INVALID_ARGUMENT, "expected at least 1 dimension, got 0");

    for (size_t span = 0; span < span_count; ++span) {
      const int32_t begin = spans[2 * span];
      const int32_t end = spans[2 * span + 1];
      if (begin < 0 || end <= begin || static_cast<size_t>(end) > tokens)
        return fail(NER_INVALID_ARGUMENT, "span " + std::to_string(span) + " is [" + std::to_string(begin) + ", " +
                                              std::to_string(end) + "): expected a non-empty range within " +
                                              std::to_string(tokens) + " token rows");
    }

    for (size_t span = 0; span < span_count; ++span) {
      const size_t begin = static_cast<size_t>(spans[2 * span]);
      const size_t end = static_cast<size_t>(spans[2 * span + 1]);
      const float *first = rows + begin * dimensions;
      const float *last = rows + (end - 1) * dimensions;
      const size_t bytes = dimensions * sizeof(float);
      switch (pooling) {
        case NER_POOL_LAST:
          std::memcpy(out + span * dimensions, last, bytes);
          break;
        case NER_POOL_FIRST:
          std::memcpy(out + span * dimensions, first, bytes);
          break;
        case NER_POOL_MEAN:
          kernels->mean_rows(first, end - begin, dimensions, out + span * dimensions);
          break;
        case NER_POOL_FIRST_LAST:
          std::memcpy(out + span * 2 * dimensions, first, bytes);
          std::memcpy(out + (span * 2 + 1) * dimensions, last, bytes);
          break;
      }
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
