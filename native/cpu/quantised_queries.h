#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "int8_bound.h"

namespace ner_retriever {

// Queries as the int8 kernels want them.
struct QuantisedQueries {
  size_t stride;              // bytes
  std::vector<int8_t> codes;  // [queries.size(), stride]
  std::vector<QuantisedQuery> queries;
};

// queries [count, dimensions].
QuantisedQueries quantise_queries(const float *queries, size_t count, size_t dimensions);

}  // namespace ner_retriever
