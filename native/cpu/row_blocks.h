#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aligned_floats.h"
#include "row_places.h"
#include "selection.h"

namespace ner_retriever {

// Rows that lie together in memory, a few at a time: they stay in the second-level cache while all queries are scored.
struct RowBlock {
  ner_segment columns;         // of these rows alone
  uint32_t first_row;          // their numbers go on from here,
  const uint32_t *numbers;     // [columns.count] or are these
  const Selection *selection;  // null: all of them may be found

  size_t count() const noexcept { return columns.count; }
  uint32_t number(size_t i) const noexcept {
    return numbers == nullptr ? first_row + static_cast<uint32_t>(i) : numbers[i];
  }
  uint32_t document(size_t i) const noexcept {
    return columns.documents == nullptr ? number(i) : columns.documents[i];
  }
  bool may_be_found(uint32_t document) const noexcept { return selection == nullptr || selection->allows(document); }
};

// All rows that may be found, cut into blocks, which several threads take from here, each with a reader of its own. To one
// reader rows come in rising order, so that those of one document come one after the other.
//
// Where few rows may be found, the others are left out: those that may are gathered into blocks of their own. Otherwise
// blocks are handed out as they lie, and whether a row may be found is asked where its score is worth it.
class RowBlocks {
 public:
  // `read`: the column of values that is read, with what belongs to it; float32 also of int8 segments, whose rows are
  // then checked (DamagedRow). `whole_documents`: all rows of a document come to one reader.
  RowBlocks(const ner_segments &segments, const RowPlaces &places, const Selection &selection, ner_precision read,
            bool whole_documents);
  RowBlocks(const RowBlocks &) = delete;

  // The most rows in a block.
  size_t block_rows() const noexcept { return block_rows_; }
  // How many threads, of at most `threads`, are worth their start for so many queries.
  size_t workers(unsigned threads, size_t query_count) const noexcept;

 private:
  friend class RowBlockReader;

  struct Range {
    const ner_segment *segment;
    size_t begin, end;   // within the segment
    uint32_t first_row;  // the number of the row at `begin`
  };

  bool take(Range &range);
  bool few_may_be_found(const RowPlaces &places) const;

  const ner_segments &segments_;
  const Selection &selection_;
  ner_precision read_;
  bool whole_documents_;
  bool gather_;
  size_t block_rows_;
  size_t range_rows_;
  size_t row_count_ = 0;  // from the selection's first row on
  std::vector<size_t> begins_;      // in each segment, the first row that may be found,
  std::vector<uint32_t> first_rows_;  // the number of the segment's first row,
  std::vector<size_t> range_ends_;  // and how many ranges there are up to the segment's end
  std::atomic<size_t> next_range_{0};
};

// One thread's blocks.
class RowBlockReader {
 public:
  explicit RowBlockReader(RowBlocks &blocks);

  // False: there are no more. A block is good until the next is asked for.
  bool next(RowBlock &block);

 private:
  void hand_out(RowBlock &block);
  bool gather(RowBlock &block);
  void copy(size_t row, size_t to);

  RowBlocks &blocks_;
  RowBlocks::Range range_{};
  AlignedFloats values_;  // what is gathered, of whatever type
  std::vector<float> scales_, errors_;
  std::vector<uint32_t> documents_, numbers_;
};

}  // namespace ner_retriever
