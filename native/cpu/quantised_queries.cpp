#include "quantised_queries.h"

#include <limits>

#include "int8_kernels.h"
#include "ner_retriever/int8_scan.h"

namespace ner_retriever {

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

}  // namespace ner_retriever
