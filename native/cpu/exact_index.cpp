#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "aligned_floats.h"
#include "kernels.h"
#include "last_error.h"
#include "ner_retriever/index.h"
#include "ner_retriever/search.h"

namespace ner_retriever {

namespace {

// Rows in chunks that never move: growing copies nothing, and the peak is the rows themselves.
class ExactIndex final : public Index {
 public:
  ExactIndex(ner_instruction_set set, size_t dimensions) : set_(set), dimensions_(dimensions) {}

  size_t dimensions() const noexcept override { return dimensions_; }
  size_t size() const noexcept override { return size_; }
  size_t bytes() const noexcept override { return capacity_ * dimensions_ * sizeof(float); }

  ner_status add(const float *rows, size_t count) noexcept override {
    try {
      if (count > std::numeric_limits<uint32_t>::max() - size_)
        return fail(NER_INVALID_ARGUMENT, "an index holds fewer than 2^32 rows");
      if (count == 0) return NER_OK;

      const size_t room = segments_.empty() ? 0 : last_capacity_ - segments_.back().count;
      const size_t in_last = std::min(room, count);
      const size_t in_new = count - in_last;
      if (in_new > 0) {
        const size_t new_capacity = std::max(in_new, next_capacity());
        chunks_.reserve(chunks_.size() + 1);
        segments_.reserve(segments_.size() + 1);
        AlignedFloats chunk = make_aligned_floats(new_capacity * dimensions_);
        copy(chunk.get(), rows + in_last * dimensions_, in_new);
        append_to_last(rows, in_last);
        segments_.push_back(segment_of(chunk.get(), in_new));
        chunks_.push_back(std::move(chunk));
        last_capacity_ = new_capacity;
        capacity_ += new_capacity;
      } else {
        append_to_last(rows, in_last);
      }
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
      const ner_segments segments = {NER_FLOAT32, dimensions_, segments_.data(), segments_.size()};
      std::vector<size_t> counts(query_count);
      return ner_search_top_k(set_, &segments, nullptr, queries, query_count, limit, threads, scores, rows,
                              counts.data(), nullptr);
    } catch (...) {
      return fail_with_current_exception();
    }
  }

 private:
  static ner_segment segment_of(const float *rows, size_t count) {
    ner_segment segment{};
    segment.vectors = rows;
    segment.count = count;
    return segment;
  }

  // A quarter of what is there, from 16 KiB on and up to 256 MiB: few chunks, little of them empty.
  size_t next_capacity() const {
    const size_t row_bytes = dimensions_ * sizeof(float);
    const size_t bytes = std::clamp<size_t>(size_ * row_bytes / 4, size_t{16} << 10, size_t{256} << 20);
    return std::max<size_t>(1, bytes / row_bytes);
  }

  void append_to_last(const float *rows, size_t count) {
    if (count == 0) return;
    copy(chunks_.back().get() + segments_.back().count * dimensions_, rows, count);
    segments_.back().count += count;
  }

  void copy(float *to, const float *rows, size_t count) const {
    std::memcpy(to, rows, count * dimensions_ * sizeof(float));
  }

  ner_instruction_set set_;
  size_t dimensions_;
  size_t size_ = 0;
  size_t capacity_ = 0;       // rows, over all chunks
  size_t last_capacity_ = 0;  // rows, of the last chunk
  std::vector<AlignedFloats> chunks_;
  std::vector<ner_segment> segments_;
};

}  // namespace

std::unique_ptr<Index> make_exact_index(ner_instruction_set set, size_t dimensions) noexcept {
  if (kernels_for(set) == nullptr) return nullptr;
  try {
    if (dimensions == 0) {
      fail(NER_INVALID_ARGUMENT, "expected at least 1 dimension, got 0");
      return nullptr;
    }
    return std::make_unique<ExactIndex>(set, dimensions);
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

}  // namespace ner_retriever
