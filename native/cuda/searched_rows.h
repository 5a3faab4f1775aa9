#pragma once

#include <algorithm>

#include "rows.h"
#include "search_found.cuh"

namespace ner_retriever::cuda {

// What one call goes through: rows from `begin` to `end`, and the documents that may be found, which lie on the device.
class SearchedRows {
 public:
  SearchedRows(const Rows &rows, size_t row_count, const ner_selection *selection) : rows_(rows) {
    end_ = std::min(row_count, rows.count());
    begin_ = selection == nullptr ? 0 : std::min<size_t>(selection->first_row, end_);
    if (selection == nullptr || selection->documents == nullptr) return;
    bytes_ = selection->documents_bytes;
    selected_ = DeviceBuffer<uint8_t>(rows.device().memory(), std::max<size_t>(bytes_, 1));  // none is not the same as no bytes
    rows.device().staging().upload(selection->documents, bytes_, selected_.get(), rows.device().stream());
  }

  const Rows &rows() const { return rows_; }
  size_t count() const { return end_ - begin_; }
  // The selection is told to `found`.
  void select(Found *found) const {
    found->selected = selected_.get();
    found->selected_bytes = bytes_;
  }

  // work(chunk, range) for every `stride`-th row, chunk by chunk.
  template <class Work>
  void each_chunk(size_t stride, const Work &work) const {
    for (const RowChunk &chunk : rows_.chunks()) {
      const size_t first = std::max<size_t>(begin_, chunk.first_row);
      const size_t end = std::min<size_t>(end_, size_t{chunk.first_row} + chunk.count);
      const size_t next = begin_ + (first - begin_ + stride - 1) / stride * stride;
      if (next >= end) continue;
      const size_t count = (end - next + stride - 1) / stride;
      work(chunk, RowRange{static_cast<uint32_t>(next - chunk.first_row), static_cast<uint32_t>(count),
                           static_cast<uint32_t>(stride)});
    }
  }

 private:
  const Rows &rows_;
  size_t begin_ = 0, end_ = 0;
  DeviceBuffer<uint8_t> selected_;
  size_t bytes_ = 0;
};

}  // namespace ner_retriever::cuda
