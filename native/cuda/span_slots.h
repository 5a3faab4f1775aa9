#pragma once

#include <algorithm>
#include <vector>

#include "runtime/device.h"
#include "span_chunks.h"

namespace ner_retriever::cuda {

// Two slots of device memory for chunks of spans and their token rows, as run_in_chunks goes through them.
class SpanSlots {
 public:
  // rows [tokens, dimensions], of the host. Chunks of at most `most_spans` spans, and of about as many token rows.
  SpanSlots(Device &device, const float *rows, size_t dimensions, const Spans &spans, size_t most_spans)
      : device_(device),
        rows_(rows),
        dimensions_(dimensions),
        spans_(spans),
        most_spans_(most_spans),
        most_rows_(std::max(most_spans, most_rows_of_a_span(spans))) {
    for (Slot &slot : slots_) {
      slot.rows = DeviceBuffer<float>(device.memory(), most_rows_ * dimensions);
      slot.ranges = DeviceBuffer<int2>(device.memory(), most_spans_);
    }
  }

  // Queues the next chunk's way up; false where there is none.
  bool upload(size_t slot) {
    if (!next_chunk(spans_, most_spans_, most_rows_, next_)) return false;
    Slot &to = slots_[slot];
    to.first_span = next_.first_span;
    to.span_count = next_.span_count;
    std::vector<HostPiece> pieces;
    for (const TokenRange range : next_.tokens)
      pieces.push_back({rows_ + static_cast<size_t>(range.begin) * dimensions_,
                        static_cast<size_t>(range.end - range.begin) * dimensions_ * sizeof(float)});
    device_.staging().upload(pieces, to.rows.get(), device_.copy_stream());
    static_assert(sizeof(int2) == 2 * sizeof(int32_t), "a range is two of them");
    device_.staging().upload(next_.ranges.data(), next_.ranges.size() * sizeof(int32_t), to.ranges.get(),
                             device_.copy_stream());
    return true;
  }

  const float *rows(size_t slot) const { return slots_[slot].rows.get(); }
  const int2 *ranges(size_t slot) const { return slots_[slot].ranges.get(); }
  size_t first_span(size_t slot) const { return slots_[slot].first_span; }
  size_t span_count(size_t slot) const { return slots_[slot].span_count; }

 private:
  struct Slot {
    DeviceBuffer<float> rows;   // [most_rows_, dimensions_]
    DeviceBuffer<int2> ranges;  // [most_spans_]
    size_t first_span = 0;
    size_t span_count = 0;
  };

  Device &device_;
  const float *rows_;
  size_t dimensions_;
  Spans spans_;
  size_t most_spans_;
  size_t most_rows_;
  SpanChunk next_;
  Slot slots_[2];
};

}  // namespace ner_retriever::cuda
