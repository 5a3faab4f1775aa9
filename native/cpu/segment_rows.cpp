#include <algorithm>
#include <bitset>
#include <limits>
#include <stdexcept>

#include "device_rows.h"
#include "last_error.h"
#include "mapped_segment.h"
#include "ner_retriever/bfloat16.h"
#include "ner_retriever/crc32c.h"
#include "ner_retriever/segment_index.h"
#include "search_rows.h"

namespace ner_retriever {

namespace {

constexpr uint32_t no_row = std::numeric_limits<uint32_t>::max();

ner_segment native_of(const MappedSegment &segment, ner_precision precision) {
  ner_segment native = {};
  native.documents = segment.column<uint32_t>(NER_COLUMN_DOCUMENTS);
  native.count = segment.rows;
  if (precision == NER_BFLOAT16)
    native.halves = segment.column<uint16_t>(NER_COLUMN_ROWS);
  else
    native.vectors = segment.column<float>(NER_COLUMN_ROWS);
  if (precision == NER_INT8) {
    native.codes = segment.column<int8_t>(NER_COLUMN_CODES);
    native.scales = segment.column<float>(NER_COLUMN_SCALES);
    native.errors = segment.column<float>(NER_COLUMN_ERRORS);
    native.longest = segment.longest;
    native.checksums = segment.column<uint32_t>(NER_COLUMN_CHECKSUMS);
  }
  return native;
}

std::string out_of_range(size_t row, size_t count) {
  return "expected rows below " + std::to_string(count) + ", got " + std::to_string(row);
}

// How many documents there can be in a selection.
size_t allowed_documents(const ner_selection *selection) {
  if (selection == nullptr || selection->documents == nullptr) return std::numeric_limits<size_t>::max();
  size_t count = 0;
  for (size_t byte = 0; byte < selection->documents_bytes; ++byte)
    count += std::bitset<8>(selection->documents[byte]).count();
  return count;
}

// The rows of a document lie together and are few: doubled steps away from one of them find the border in its memory's
// neighbourhood.
size_t first_row_of_document(const uint32_t *documents, size_t row) {
  const uint32_t document = documents[row];
  size_t step = 1;
  while (step <= row && documents[row - step] == document) step *= 2;
  const uint32_t *begin = documents + (step <= row ? row - step : 0);
  return static_cast<size_t>(std::lower_bound(begin, documents + row, document) - documents);
}

size_t end_of_document(const uint32_t *documents, size_t row, size_t count) {
  const uint32_t document = documents[row];
  size_t step = 1;
  while (row + step < count && documents[row + step] == document) step *= 2;
  return static_cast<size_t>(
      std::upper_bound(documents + row, documents + std::min(row + step, count), document) - documents);
}

}  // namespace

SegmentRows::SegmentRows(ner_instruction_set set, ner_precision precision, size_t dimensions,
                         std::vector<std::shared_ptr<const MappedSegment>> segments,
                         std::shared_ptr<DeviceRows> device)
    : set_(set),
      precision_(precision),
      dimensions_(dimensions),
      device_(std::move(device)),
      segments_(std::move(segments)) {
  for (const auto &segment : segments_) {
    natives_.push_back(native_of(*segment, precision));
    first_rows_.push_back(count_);
    count_ += segment->rows;
    document_count_ += segment->documents;
    for (const MappedFile &column : segment->columns) bytes_ += column.bytes();
  }
}

ner_status SegmentRows::search(const ner_selection *selection, const float *queries, size_t query_count, size_t limit,
                               unsigned threads, float *scores, uint32_t *rows, size_t *counts,
                               FileFault *fault) const noexcept {
  try {
    const ner_status lengths = check_lengths(fault);
    if (lengths != NER_OK) return lengths;
    if (scores_on_device()) {
      const ner_status status =
          device_->search(count_, selection, queries, query_count, limit, scores, rows, counts);
      if (status != NER_OUT_OF_MEMORY) return status;
    }
    FindCandidates find;
    if (device_ != nullptr)
      find = [&](const float *some, size_t count, size_t most, std::vector<Candidates> *found) {
        const ner_status status = device_->candidates(count_, selection, some, count, most, found);
        if (status != NER_OK && status != NER_OUT_OF_MEMORY) throw std::runtime_error(ner_last_error());
        return status == NER_OK;
      };
    const ner_segments all = native();
    uint32_t damaged_row = no_row;
    const ner_status status = search_top_k(set_, all, selection, queries, query_count, limit, threads, find, scores, rows,
                                           counts, &damaged_row);
    return with_fault(status, damaged_row, fault);
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status SegmentRows::rank(const ner_selection *selection, const float *query, float minimum_score, unsigned threads,
                             Ranking *ranking, FileFault *fault) const noexcept {
  try {
    const ner_status lengths = check_lengths(fault);
    if (lengths != NER_OK) return lengths;
    const ner_segments all = native();
    const size_t capacity = std::min(document_count_, allowed_documents(selection));
    const std::unique_ptr<uint64_t[]> keys(new uint64_t[capacity]);
    size_t count = 0;
    uint32_t damaged_row = no_row;
    ner_status status = NER_OUT_OF_MEMORY;
    if (scores_on_device())
      status = device_->rank(count_, selection, query, minimum_score, threads, keys.get(), capacity, &count);
    if (status == NER_OUT_OF_MEMORY)
      status = ner_search_ranking(set_, &all, selection, query, minimum_score, threads, keys.get(), capacity, &count,
                                  &damaged_row);
    if (status != NER_OK) return with_fault(status, damaged_row, fault);
    ranking->scores.reset(new float[count]);
    ranking->rows.reset(new uint32_t[count]);
    ranking->count = count;
    for (size_t place = 0; place < count; ++place) {
      ranking->scores[place] = ner_ranking_score(keys[place]);
      ranking->rows[place] = ner_ranking_row(keys[place]);
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status SegmentRows::scores(const float *queries, size_t query_count, const uint32_t *rows, size_t row_count,
                               float *scores, FileFault *fault) const noexcept {
  try {
    for (size_t i = 0; i < row_count; ++i)
      if (rows[i] >= count_) return fail(NER_INVALID_ARGUMENT, out_of_range(rows[i], count_));
    const ner_status lengths = check_lengths(fault);
    if (lengths != NER_OK) return lengths;
    if (scores_on_device()) {
      const ner_status status = device_->scores(queries, query_count, rows, row_count, scores);
      if (status != NER_OUT_OF_MEMORY) return status;
    }
    const ner_segments all = native();
    uint32_t damaged_row = no_row;
    const ner_status status =
        ner_search_scores(set_, &all, queries, query_count, rows, row_count, scores, &damaged_row);
    return with_fault(status, damaged_row, fault);
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status SegmentRows::locate(const uint32_t *rows, size_t row_count, uint32_t *documents, uint32_t *first_rows,
                               uint32_t *counts, FileFault *fault) const noexcept {
  try {
    const ner_status lengths = check_lengths(fault);
    if (lengths != NER_OK) return lengths;
    for (size_t i = 0; i < row_count; ++i) {
      if (rows[i] >= count_) return fail(NER_INVALID_ARGUMENT, out_of_range(rows[i], count_));
      const size_t segment = segment_of(rows[i]);
      const uint32_t *column = natives_[segment].documents;
      const size_t row = rows[i] - first_rows_[segment];
      const size_t first = first_row_of_document(column, row);
      documents[i] = column[row];
      first_rows[i] = static_cast<uint32_t>(first_rows_[segment] + first);
      counts[i] = static_cast<uint32_t>(end_of_document(column, row, natives_[segment].count) - first);
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status SegmentRows::vectors(size_t first_row, size_t row_count, float *vectors, FileFault *fault) const noexcept {
  try {
    if (first_row > count_ || row_count > count_ - first_row)
      return fail(NER_INVALID_ARGUMENT, out_of_range(first_row + row_count - 1, count_));
    const ner_status lengths = check_lengths(fault);
    if (lengths != NER_OK) return lengths;
    while (row_count > 0) {
      const size_t segment = segment_of(first_row);
      const ner_segment &native = natives_[segment];
      const size_t begin = first_row - first_rows_[segment];
      const size_t count = std::min(row_count, native.count - begin);
      const size_t values = count * dimensions_;
      if (precision_ == NER_BFLOAT16) {
        ner_bfloat16_widen(native.halves + begin * dimensions_, values, vectors);
      } else {
        std::copy_n(native.vectors + begin * dimensions_, values, vectors);
      }
      // What was copied is checked, not what was read: it may change in between.
      if (precision_ == NER_INT8)
        for (size_t row = 0; row < count; ++row)
          if (ner_crc32c(vectors + row * dimensions_, dimensions_ * sizeof(float), 0) != native.checksums[begin + row])
            return with_fault(NER_DAMAGED, static_cast<uint32_t>(first_row + row), fault);
      vectors += values;
      first_row += count;
      row_count -= count;
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

size_t SegmentRows::segment_of(size_t row) const noexcept {
  return static_cast<size_t>(std::upper_bound(first_rows_.begin(), first_rows_.end(), row) - first_rows_.begin()) - 1;
}

ner_status SegmentRows::check_lengths(FileFault *fault) const {
  for (const auto &segment : segments_)
    for (const MappedFile &column : segment->columns) {
      const ner_status status = column.check_length(fault);
      if (status != NER_OK) return status;
    }
  return NER_OK;
}

ner_status SegmentRows::with_fault(ner_status status, uint32_t damaged_row, FileFault *fault) const {
  if (status != NER_DAMAGED || damaged_row >= count_) return status;
  const size_t segment = segment_of(damaged_row);
  return damaged_file(segments_[segment]->files[NER_COLUMN_ROWS],
                      "the checksum of row " + std::to_string(damaged_row - first_rows_[segment]) +
                          " (row " + std::to_string(damaged_row) + " of the index) is not that with which it was written",
                      fault);
}

}  // namespace ner_retriever
