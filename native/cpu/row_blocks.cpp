#include "row_blocks.h"

#include <algorithm>
#include <cstring>

#include "originals.h"

namespace ner_retriever {

namespace {

constexpr size_t block_bytes = 128 * 1024;
// Bytes of rows times queries below which a second thread costs more than it brings.
constexpr size_t bytes_for_a_thread = 1 << 21;
// Rows are gathered where at most one in so many may be found: a copy costs as much as the scores of some of them.
constexpr size_t rows_for_a_found_one = 8;
// A thread then looks through so many blocks' rows at a time.
constexpr size_t blocks_in_a_gathered_range = 16;
constexpr size_t sampled_rows = 1024;

size_t value_bytes(ner_precision precision) {
  switch (precision) {
    case NER_FLOAT32: return sizeof(float);
    case NER_BFLOAT16: return sizeof(uint16_t);
    case NER_INT8: return sizeof(int8_t);
  }
  return sizeof(float);
}

// The first row from `row` on at which a document begins.
size_t next_document(const ner_segment &segment, size_t begin, size_t row) {
  if (segment.documents == nullptr || row <= begin || row >= segment.count) return std::min(row, segment.count);
  const uint32_t document = segment.documents[row - 1];
  const auto same = [&](size_t i) { return segment.documents[i] == document; };
  // In growing steps, then between the last two: a document may have any number of rows.
  size_t step = 1;
  for (; row + step <= segment.count && same(row + step - 1); step *= 2) row += step;
  size_t end = std::min(row + step, segment.count);
  while (row < end) {
    const size_t middle = row + (end - row) / 2;
    if (same(middle)) row = middle + 1;
    else end = middle;
  }
  return row;
}

}  // namespace

RowBlocks::RowBlocks(const ner_segments &segments, const RowPlaces &places, const Selection &selection,
                     ner_precision read, bool whole_documents)
    : segments_(segments), selection_(selection), read_(read), whole_documents_(whole_documents) {
  gather_ = few_may_be_found(places);
  block_rows_ = std::max<size_t>(16, block_bytes / (value_bytes(read) * segments.dimensions) / 16 * 16);
  range_rows_ = gather_ ? block_rows_ * blocks_in_a_gathered_range : block_rows_;
  size_t first_row = 0, ranges = 0;
  for (size_t segment = 0; segment < segments.count; ++segment) {
    const size_t count = segments.segments[segment].count;
    const size_t before = selection.first_row() > first_row ? selection.first_row() - first_row : 0;
    begins_.push_back(std::min(before, count));
    first_rows_.push_back(static_cast<uint32_t>(first_row));
    range_ends_.push_back(ranges += (count - begins_.back() + range_rows_ - 1) / range_rows_);
    row_count_ += count - begins_.back();
    first_row += count;
  }
}

size_t RowBlocks::workers(unsigned threads, size_t query_count) const noexcept {
  const size_t useful = row_count_ * segments_.dimensions * value_bytes(read_) / bytes_for_a_thread * query_count + 1;
  const size_t ranges = range_ends_.empty() ? 0 : range_ends_.back();
  return std::min({std::max<size_t>(threads, 1), useful, std::max<size_t>(ranges, 1)});
}

bool RowBlocks::take(Range &range) {
  const size_t taken = next_range_.fetch_add(1);
  if (range_ends_.empty() || taken >= range_ends_.back()) return false;
  const auto at = static_cast<size_t>(std::upper_bound(range_ends_.begin(), range_ends_.end(), taken) -
                                      range_ends_.begin());
  const ner_segment &segment = segments_.segments[at];
  const size_t before = at == 0 ? 0 : range_ends_[at - 1];
  size_t begin = begins_[at] + (taken - before) * range_rows_;
  size_t end = std::min(begin + range_rows_, segment.count);
  if (whole_documents_) {
    begin = next_document(segment, begins_[at], begin);
    end = next_document(segment, begins_[at], end);
  }
  range = {&segment, begin, end, first_rows_[at] + static_cast<uint32_t>(begin)};
  return true;
}

// By a sample: how many of the bits are set says little, where documents have been replaced.
bool RowBlocks::few_may_be_found(const RowPlaces &places) const {
  if (!selection_.has_documents()) return false;
  const size_t step = places.row_count() / sampled_rows + 1;
  size_t looked_at = 0, found = 0;
  for (size_t row = selection_.first_row(); row < places.row_count(); row += step, ++looked_at)
    if (selection_.allows(places.document_of(static_cast<uint32_t>(row)))) ++found;
  return found * rows_for_a_found_one <= looked_at;
}

RowBlockReader::RowBlockReader(RowBlocks &blocks) : blocks_(blocks) {
  if (!blocks.gather_) return;
  const size_t bytes = blocks.block_rows_ * blocks.segments_.dimensions * value_bytes(blocks.read_);
  values_ = make_aligned_floats(bytes / sizeof(float) + 1);
  documents_.resize(blocks.block_rows_);
  numbers_.resize(blocks.block_rows_);
  if (blocks.read_ != NER_INT8) return;
  scales_.resize(blocks.block_rows_);
  errors_.resize(blocks.block_rows_);
}

bool RowBlockReader::next(RowBlock &block) {
  for (;;) {
    while (range_.begin == range_.end)
      if (!blocks_.take(range_)) return false;
    if (!blocks_.gather_) {
      hand_out(block);
      return true;
    }
    if (gather(block)) return true;
  }
}

void RowBlockReader::hand_out(RowBlock &block) {
  const ner_segment &segment = *range_.segment;
  const size_t dimensions = blocks_.segments_.dimensions, begin = range_.begin;
  const size_t count = std::min(range_.end - begin, blocks_.block_rows_);
  if (blocks_.read_ == NER_FLOAT32 && blocks_.segments_.precision == NER_INT8)
    check_originals(segment, begin, count, dimensions, range_.first_row);
  const auto column = [begin](const auto *values, size_t width) {
    return values == nullptr ? nullptr : values + begin * width;
  };
  block.columns = {column(segment.vectors, dimensions), column(segment.halves, dimensions),
                   column(segment.codes, dimensions),   column(segment.scales, 1),
                   column(segment.errors, 1),           segment.longest,
                   column(segment.checksums, 1),        column(segment.documents, 1),
                   count};
  block.first_row = range_.first_row;
  block.numbers = nullptr;
  block.selection = blocks_.selection_.has_documents() ? &blocks_.selection_ : nullptr;
  range_.begin += count;
  range_.first_row += static_cast<uint32_t>(count);
}

bool RowBlockReader::gather(RowBlock &block) {
  const ner_segment &segment = *range_.segment;
  size_t count = 0;
  for (; range_.begin < range_.end && count < blocks_.block_rows_; ++range_.begin, ++range_.first_row) {
    const uint32_t document =
        segment.documents == nullptr ? range_.first_row : segment.documents[range_.begin];
    if (!blocks_.selection_.allows(document)) continue;
    documents_[count] = document;
    numbers_[count] = range_.first_row;
    copy(range_.begin, count);
    ++count;
  }
  if (count == 0) return false;
  const void *values = values_.get();
  block.columns = {};
  if (blocks_.read_ == NER_FLOAT32) block.columns.vectors = static_cast<const float *>(values);
  if (blocks_.read_ == NER_BFLOAT16) block.columns.halves = static_cast<const uint16_t *>(values);
  if (blocks_.read_ == NER_INT8) {
    block.columns.codes = static_cast<const int8_t *>(values);
    block.columns.scales = scales_.data();
    block.columns.errors = errors_.data();
    block.columns.longest = segment.longest;
  }
  block.columns.documents = documents_.data();
  block.columns.count = count;
  block.first_row = 0;
  block.numbers = numbers_.data();
  block.selection = nullptr;
  return true;
}

void RowBlockReader::copy(size_t row, size_t to) {
  const ner_segment &segment = *range_.segment;
  const size_t dimensions = blocks_.segments_.dimensions;
  const size_t bytes = dimensions * value_bytes(blocks_.read_);
  const void *from;
  if (blocks_.read_ == NER_INT8) {
    from = segment.codes + row * dimensions;
    scales_[to] = segment.scales[row];
    errors_[to] = segment.errors[row];
  } else if (blocks_.read_ == NER_BFLOAT16) {
    from = segment.halves + row * dimensions;
  } else {
    from = segment.vectors + row * dimensions;
    if (blocks_.segments_.precision == NER_INT8) check_originals(segment, row, 1, dimensions, range_.first_row);
  }
  std::memcpy(reinterpret_cast<unsigned char *>(values_.get()) + to * bytes, from, bytes);
}

}  // namespace ner_retriever
