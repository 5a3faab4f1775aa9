#pragma once

#include <cstddef>
#include <vector>

#include "kernels.h"
#include "ner_retriever/search.h"

namespace ner_retriever {

// The scores of float32 or bfloat16 rows for some queries.
class RowScorer {
 public:
  // `read`: the column that is read, NER_FLOAT32 or NER_BFLOAT16. queries [query_count, dimensions] must stay.
  RowScorer(const Kernels &kernels, ner_precision read, const float *queries, size_t query_count, size_t dimensions);

  // scores[q * stride + i] = that of row begin + i for query q. A score is the same bits whatever is beside it.
  void score(const ner_segment &columns, size_t begin, size_t count, float *scores, size_t stride) const;

 private:
  const Kernels &kernels_;
  ner_precision read_;
  const float *queries_;
  size_t query_count_;
  size_t dimensions_;
  size_t stride_ = 0;
  std::vector<float> halves_queries_;  // [query_count, stride], as score_halves.h wants them
};

}  // namespace ner_retriever
