#include "ner_retriever/segment_index.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "check_blocks.h"
#include "device_rows.h"
#include "last_error.h"
#include "mapped_segment.h"

namespace ner_retriever {

namespace {

ner_status check_arguments(const ner_column *columns, size_t column_count, const std::vector<std::string> &files,
                           const std::vector<SegmentBlock> &blocks, size_t rows_before, size_t *new_rows) {
  if (files.size() != column_count)
    return fail(NER_INVALID_ARGUMENT, "expected the files of " + std::to_string(column_count) + " columns, from " +
                                          columns[0].name + " to " + columns[column_count - 1].name + ", got " +
                                          std::to_string(files.size()));
  constexpr size_t most = std::numeric_limits<uint32_t>::max();
  *new_rows = 0;
  for (const SegmentBlock &block : blocks) {
    if (block.checksums.size() != column_count)
      return fail(NER_INVALID_ARGUMENT, "expected " + std::to_string(column_count) +
                                            " checksums of a block, one for each column, got " +
                                            std::to_string(block.checksums.size()));
    if (block.rows == 0) return fail(NER_INVALID_ARGUMENT, "expected a block of at least 1 row, got 0");
    if (block.rows > most - rows_before - *new_rows)
      return fail(NER_INVALID_ARGUMENT, "an index holds fewer than 2^32 rows");
    *new_rows += block.rows;
  }
  return NER_OK;
}

// The rows of a segment from `first` on.
ner_segment rest_of(const ner_segment &segment, size_t first, size_t dimensions) {
  const auto column = [first](const auto *values, size_t width) {
    return values == nullptr ? nullptr : values + first * width;
  };
  return {column(segment.vectors, dimensions), column(segment.halves, dimensions),
          column(segment.codes, dimensions),   column(segment.scales, 1),
          column(segment.errors, 1),           segment.longest,
          column(segment.checksums, 1),        column(segment.documents, 1),
          segment.count - first};
}

}  // namespace

SegmentIndex::SegmentIndex(ner_instruction_set set, ner_precision precision, size_t dimensions, const ner_cuda_api *cuda,
                           std::shared_ptr<ner_cuda_device> device)
    : set_(set), precision_(precision), dimensions_(dimensions) {
  std::shared_ptr<DeviceRows> on_device;
  if (device != nullptr && DeviceRows::create(*cuda, std::move(device), precision, dimensions, &on_device) != NER_OK)
    keep_device_fault();
  rows_ = std::make_shared<const SegmentRows>(set, precision, dimensions,
                                              std::vector<std::shared_ptr<const MappedSegment>>(), std::move(on_device));
}

std::string SegmentIndex::device_fault() const {
  const std::lock_guard<std::mutex> lock(rows_mutex_);
  return device_fault_;
}

void SegmentIndex::keep_device_fault() {
  const std::lock_guard<std::mutex> lock(rows_mutex_);
  device_fault_ = ner_last_error();
}

std::shared_ptr<const SegmentRows> SegmentIndex::rows() const noexcept {
  const std::lock_guard<std::mutex> lock(rows_mutex_);
  return rows_;
}

ner_status SegmentIndex::map(const std::vector<std::string> &files, const std::vector<SegmentBlock> &blocks,
                             unsigned threads, FileFault *fault) noexcept {
  try {
    const std::lock_guard<std::mutex> one_at_a_time(map_mutex_);
    const std::shared_ptr<const SegmentRows> before = rows();
    if (before == nullptr) return fail(NER_UNAVAILABLE, "the index was closed");
    std::vector<std::shared_ptr<const MappedSegment>> segments = before->segments_;

    ner_column columns[NER_MOST_COLUMNS];
    const size_t column_count = ner_segment_columns(precision_, dimensions_, columns);
    size_t new_rows = 0;
    ner_status status = check_arguments(columns, column_count, files, blocks, before->count(), &new_rows);
    if (status != NER_OK || new_rows == 0) return status;

    const MappedSegment *grown = !segments.empty() && segments.back()->files == files ? segments.back().get() : nullptr;
    auto segment = std::make_shared<MappedSegment>();
    segment->files = files;
    segment->columns.resize(column_count);
    if (grown != nullptr) {
      segment->rows = grown->rows;
      segment->blocks = grown->blocks;
      segment->documents = grown->documents;
      segment->longest = grown->longest;
    }
    for (size_t column = 0; column < column_count; ++column) {
      MappedFile &mapped = segment->columns[column];
      status = MappedFile::map(files[column], (segment->rows + new_rows) * columns[column].row_bytes, &mapped, fault);
      if (status != NER_OK) return status;
      if (grown != nullptr && !mapped.same_file(grown->columns[column]))
        return damaged_file(files[column], "it is another file than the one of this name that was mapped before", fault);
    }

    std::optional<uint32_t> last_document;
    if (grown == nullptr && !segments.empty()) {
      const MappedSegment &last = *segments.back();
      last_document = last.column<uint32_t>(NER_COLUMN_DOCUMENTS)[last.rows - 1];
    }
    size_t new_documents = 0;
    status = check_blocks(precision_, dimensions_, *segment, blocks, last_document, threads, &new_documents, fault);
    if (status != NER_OK) return status;
    segment->rows += new_rows;
    segment->blocks += blocks.size();
    segment->documents += new_documents;
    for (const SegmentBlock &block : blocks) segment->longest = std::max(segment->longest, block.longest);

    const size_t rows_before = grown == nullptr ? 0 : grown->rows;
    if (grown != nullptr) segments.pop_back();
    segments.push_back(std::move(segment));
    auto after = std::make_shared<SegmentRows>(set_, precision_, dimensions_, std::move(segments), before->device_);
    // The last that can fail, but for the index.
    if (after->device_ != nullptr &&
        after->device_->append(rest_of(after->natives_.back(), rows_before, dimensions_)) != NER_OK) {
      keep_device_fault();
      after->device_.reset();
    }
    const std::lock_guard<std::mutex> lock(rows_mutex_);
    if (rows_ != nullptr) rows_ = std::move(after);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

void SegmentIndex::close() noexcept {
  std::shared_ptr<const SegmentRows> last;  // unmaps, where nobody else reads, after the mutex is free
  const std::lock_guard<std::mutex> lock(rows_mutex_);
  last.swap(rows_);
}

}  // namespace ner_retriever
