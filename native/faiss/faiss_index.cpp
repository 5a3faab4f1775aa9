#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "faiss_api.h"
#include "last_error.h"
#include "ner_retriever/faiss.h"
#include "ranking_key.h"

namespace ner_retriever {

namespace {

class FaissIndex final : public Index {
 public:
  FaissIndex(const ner_faiss_api &api, ner_faiss_index *index, size_t dimensions)
      : api_(api), index_(index), dimensions_(dimensions) {}
  ~FaissIndex() override { api_.destroy(index_); }

  size_t dimensions() const noexcept override { return dimensions_; }
  size_t size() const noexcept override { return size_; }
  size_t bytes() const noexcept override { return size_ * dimensions_ * sizeof(float); }

  ner_status add(const float *rows, size_t count) noexcept override {
    try {
      if (count > std::numeric_limits<uint32_t>::max() - size_)
        return fail(NER_INVALID_ARGUMENT, "an index holds fewer than 2^32 rows");
      const ner_status status = api_.add(index_, rows, count);
      if (status != NER_OK) return fail(status, api_.last_error());
      size_ += count;
      return NER_OK;
    } catch (...) {
      return fail_with_current_exception();
    }
  }

  ner_status search(const float *queries, size_t query_count, size_t limit, unsigned threads, float *scores,
                    uint32_t *rows) const noexcept override {
    try {
      if (limit > size_)
        return fail(NER_INVALID_ARGUMENT,
                    "expected a limit within " + std::to_string(size_) + " rows, got " + std::to_string(limit));
      if (limit == 0 || query_count == 0) return NER_OK;
      std::vector<int64_t> labels(query_count * limit);
      const ner_status status = api_.search(index_, queries, query_count, limit, threads, scores, labels.data());
      if (status != NER_OK) return fail(status, api_.last_error());
      for (size_t query = 0; query < query_count; ++query)
        rank(labels.data() + query * limit, limit, scores + query * limit, rows + query * limit);
      return NER_OK;
    } catch (...) {
      return fail_with_current_exception();
    }
  }

 private:
  // Brings FAISS's order into ours: equal scores by lower row, and rows that it left out (NaN) last.
  void rank(const int64_t *labels, size_t limit, float *scores, uint32_t *rows) const {
    std::vector<uint64_t> keys;
    keys.reserve(limit);
    for (size_t place = 0; place < limit; ++place)
      if (labels[place] >= 0) keys.push_back(make_key(scores[place], static_cast<uint32_t>(labels[place])));
    if (keys.size() < limit) {
      std::vector<bool> there(size_);
      for (const uint64_t key : keys) there[row_of_key(key)] = true;
      for (uint32_t row = 0; keys.size() < limit; ++row)
        if (!there[row]) keys.push_back(make_key(std::numeric_limits<float>::quiet_NaN(), row));
    }
    std::sort(keys.begin(), keys.end(), std::greater<>());
    for (size_t place = 0; place < limit; ++place) {
      scores[place] = score_of_key(keys[place]);
      rows[place] = row_of_key(keys[place]);
    }
  }

  const ner_faiss_api &api_;
  ner_faiss_index *index_;
  size_t dimensions_;
  size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Index> make_faiss_index(const ner_faiss_api &api, size_t dimensions) noexcept {
  try {
    if (dimensions == 0) {
      fail(NER_INVALID_ARGUMENT, "expected at least 1 dimension, got 0");
      return nullptr;
    }
    ner_faiss_index *index = nullptr;
    const ner_status status = api.create(dimensions, &index);
    if (status != NER_OK) {
      fail(status, api.last_error());
      return nullptr;
    }
    try {
      return std::make_unique<FaissIndex>(api, index, dimensions);
    } catch (...) {
      api.destroy(index);
      throw;
    }
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

}  // namespace ner_retriever
