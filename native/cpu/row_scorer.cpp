#include "row_scorer.h"

namespace ner_retriever {

RowScorer::RowScorer(const Kernels &kernels, ner_precision read, const float *queries, size_t query_count,
                     size_t dimensions)
    : kernels_(kernels), read_(read), queries_(queries), query_count_(query_count), dimensions_(dimensions) {
  if (read != NER_BFLOAT16) return;
  const size_t step = kernels.halves_step;
  stride_ = (dimensions + step - 1) / step * step;
  halves_queries_.resize(query_count * stride_);
  for (size_t query = 0; query < query_count; ++query)
    for (size_t i = 0; i < dimensions; ++i)
      halves_queries_[query * stride_ + i / step * step + i % 2 * (step / 2) + i % step / 2] =
          queries[query * dimensions + i];
}

void RowScorer::score(const ner_segment &columns, size_t begin, size_t count, float *scores, size_t stride) const {
  if (read_ == NER_BFLOAT16)
    kernels_.score_halves(columns.halves + begin * dimensions_, count, dimensions_, halves_queries_.data(),
                          query_count_, stride_, scores, stride);
  else
    kernels_.score_block(columns.vectors + begin * dimensions_, count, dimensions_, queries_, query_count_, scores,
                         stride);
}

}  // namespace ner_retriever
