#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ner_retriever/search.h"

namespace ner_retriever::cuda {

// Queries as score_rows.cuh reads them: a row's vector of 16 bytes holds 8 values of bfloat16, whose counterparts in the
// query are two times 4 floats. The first four of all vectors come first, then the second four ([planes, vectors, 4]): so
// lanes that read neighbouring vectors read neighbouring 16 bytes. Of float32 there is one plane: the query as it is.
// Padded with zeros, in values and in queries.
inline size_t vectors_of_row(ner_precision precision, size_t dimensions) {
  const size_t values = precision == NER_BFLOAT16 ? 8 : 4;
  return (dimensions + values - 1) / values;
}

// queries [count, dimensions] -> [padded_count, vectors_of_row * values of a vector].
inline std::vector<float> query_planes(ner_precision precision, const float *queries, size_t count, size_t dimensions,
                                       size_t padded_count) {
  const size_t planes = precision == NER_BFLOAT16 ? 2 : 1;
  const size_t vectors = vectors_of_row(precision, dimensions);
  std::vector<float> made(padded_count * planes * vectors * 4);
  for (size_t query = 0; query < count; ++query)
    for (size_t vector = 0, i = 0; i < dimensions; ++vector)
      for (size_t plane = 0; plane < planes && i < dimensions; ++plane, i += 4)
        std::copy_n(queries + query * dimensions + i, std::min<size_t>(4, dimensions - i),
                    made.data() + ((query * planes + plane) * vectors + vector) * 4);
  return made;
}

}  // namespace ner_retriever::cuda
