#pragma once

#include <memory>

#include "ner_retriever/instruction_set.h"

namespace ner_retriever {

// Float32 rows in memory that are searched by inner product: each backend is a class behind this interface, and no method
// throws. Any number of searches may run at once; add() must run alone.
class Index {
 public:
  Index() = default;
  Index(const Index &) = delete;
  Index &operator=(const Index &) = delete;
  virtual ~Index() = default;

  virtual size_t dimensions() const noexcept = 0;
  virtual size_t size() const noexcept = 0;
  // Memory that the rows take.
  virtual size_t bytes() const noexcept = 0;

  // rows [count, dimensions]. They are copied, and numbered on from size(). On failure nothing was added.
  virtual ner_status add(const float *rows, size_t count) noexcept = 0;

  // The `limit` rows that score highest for each query, best first, as ner_search_top_k ranks them: queries
  // [query_count, dimensions]; scores and rows [query_count, limit]; limit <= size().
  virtual ner_status search(const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                            uint32_t *rows) const noexcept = 0;
};

// Null on failure; ner_last_error() says why.
std::unique_ptr<Index> make_exact_index(ner_instruction_set set, size_t dimensions) noexcept;

}  // namespace ner_retriever
