#pragma once

#include <vector>

#include "ner_retriever/search.h"
#include "row_chunk.h"
#include "runtime/device.h"

namespace ner_retriever::cuda {

// An index's rows in the device's memory: chunks that never move, so that growing copies nothing. All methods within
// Device::run().
class Rows {
 public:
  Rows(Device &device, ner_precision precision, size_t dimensions);

  // On failure nothing was added.
  void append(const ner_segment &segment);

  Device &device() const { return device_; }
  ner_precision precision() const { return precision_; }
  size_t dimensions() const { return dimensions_; }
  uint32_t row_bytes() const { return row_bytes_; }
  size_t count() const { return count_; }
  bool has_documents() const { return has_documents_; }
  // int8: the length of the longest quantised row.
  float longest() const { return longest_; }

  // In rising order of rows.
  const std::vector<RowChunk> &chunks() const { return views_; }
  // The same in the device's memory.
  const RowChunk *device_chunks() const { return table_.get(); }

 private:
  struct Chunk {
    DeviceBuffer<unsigned char> values;
    DeviceBuffer<float> lengths, losses, scales, errors;
    DeviceBuffer<uint32_t> documents;
    size_t capacity = 0;
    size_t first_row = 0;
    size_t count = 0;
  };

  void check_segment(const ner_segment &segment) const;
  Chunk make_chunk(size_t capacity, bool with_documents) const;
  // Room for `count` rows more, or a little if it is there.
  Chunk make_roomy_chunk(size_t count, bool with_documents) const;
  size_t bytes_of_row(bool with_documents) const;
  // Queues the copy of rows [begin, begin + count) of the segment to the chunk's rows from `to` on.
  void copy(const ner_segment &segment, size_t begin, size_t count, const Chunk &chunk, size_t to) const;
  void copy_values(const void *from, size_t count, unsigned char *to) const;
  RowChunk view_of(const Chunk &chunk, size_t count) const;

  Device &device_;
  ner_precision precision_;
  size_t dimensions_;
  size_t value_bytes_;
  uint32_t row_bytes_;
  size_t count_ = 0;
  bool has_documents_ = false;
  float longest_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<RowChunk> views_;
  DeviceBuffer<RowChunk> table_;
};

}  // namespace ner_retriever::cuda
