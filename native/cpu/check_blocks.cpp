#include "check_blocks.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>

#include "ner_retriever/crc32c.h"
#include "run_on_threads.h"

namespace ner_retriever {

namespace {

// Bytes below which a second thread costs more than it brings.
constexpr size_t bytes_for_a_thread = 1 << 20;

// Where a block lies in its segment.
struct Place {
  size_t block;
  size_t first_row;
  size_t rows;

  std::string words() const {
    return "block " + std::to_string(block) + " (rows " + std::to_string(first_row) + " to " +
           std::to_string(first_row + rows - 1) + ")";
  }
};

// What is wrong; nothing where nothing is.
struct Finding {
  size_t column = 0;
  std::string reason;
};

std::string hexadecimal(uint32_t checksum) {
  char words[16];
  std::snprintf(words, sizeof words, "%08x", checksum);
  return words;
}

std::string of_row(size_t row) { return " of row " + std::to_string(row); }

Finding check_checksum(const MappedSegment &segment, const ner_column &column, size_t place_of_column,
                       const Place &place, uint32_t expected) {
  const auto *bytes = segment.column<unsigned char>(place_of_column) + place.first_row * column.row_bytes;
  const uint32_t got = ner_crc32c(bytes, place.rows * column.row_bytes, 0);
  if (got == expected) return {};
  return {place_of_column, "the checksum of " + place.words() + " was " + hexadecimal(expected) +
                               " when it was written, and is " + hexadecimal(got)};
}

// A document's rows lie together, in one segment: within it the numbers never fall, and a new segment begins with a
// higher one.
Finding check_documents(const MappedSegment &segment, const Place &place, std::optional<uint32_t> last_document,
                        size_t *new_documents) {
  const auto *documents = segment.column<uint32_t>(NER_COLUMN_DOCUMENTS);
  std::optional<uint32_t> before = last_document;
  if (place.first_row > 0) before = documents[place.first_row - 1];
  *new_documents = 0;
  for (size_t row = place.first_row; row < place.first_row + place.rows; ++row) {
    const uint32_t document = documents[row];
    if (document == std::numeric_limits<uint32_t>::max())
      return {NER_COLUMN_DOCUMENTS, "the document" + of_row(row) + " is 4294967295, which is above the highest"};
    if (before && (document < *before || (row == 0 && document == *before)))
      return {NER_COLUMN_DOCUMENTS, "documents do not rise: the document" + of_row(row) + " is " +
                                        std::to_string(document) + " after " + std::to_string(*before)};
    *new_documents += !before || document != *before;
    before = document;
  }
  return {};
}

int32_t sum_of_squares(const int8_t *codes, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += codes[i] * codes[i];
  return sum;
}

// The bound of the int8 scan stands on these numbers.
Finding check_bound(const MappedSegment &segment, size_t dimensions, const Place &place, float longest) {
  const auto *codes = segment.column<int8_t>(NER_COLUMN_CODES);
  const auto *scales = segment.column<float>(NER_COLUMN_SCALES);
  const auto *errors = segment.column<float>(NER_COLUMN_ERRORS);
  for (size_t row = place.first_row; row < place.first_row + place.rows; ++row) {
    if (!(std::isfinite(scales[row]) && scales[row] >= 0))
      return {NER_COLUMN_SCALES, "the scale" + of_row(row) + " is " + std::to_string(scales[row])};
    if (!(errors[row] >= 0))
      return {NER_COLUMN_ERRORS, "the error" + of_row(row) + " is " + std::to_string(errors[row])};
    const double length = static_cast<double>(scales[row]) *
                          std::sqrt(static_cast<double>(sum_of_squares(codes + row * dimensions, dimensions)));
    if (!(length <= static_cast<double>(longest)))
      return {NER_COLUMN_CODES, "the length" + of_row(row) + " is " + std::to_string(length) + ", above " +
                                    std::to_string(longest) + ", that of the longest of " + place.words()};
  }
  return {};
}

// Runs the checks on as many threads as their bytes are worth; the first finding, in their order.
Finding first_finding(size_t count, size_t bytes, unsigned threads, const std::function<Finding(size_t)> &check) {
  std::vector<Finding> findings(count);
  std::atomic<size_t> next{0};
  run_on_threads(std::min({std::max<size_t>(threads, 1), bytes / bytes_for_a_thread + 1, count}), [&](size_t) {
    for (size_t i; (i = next.fetch_add(1)) < count;) findings[i] = check(i);
  });
  for (const Finding &finding : findings)
    if (!finding.reason.empty()) return finding;
  return {};
}

}  // namespace

ner_status check_blocks(ner_precision precision, size_t dimensions, const MappedSegment &segment,
                        const std::vector<SegmentBlock> &blocks, std::optional<uint32_t> last_document,
                        unsigned threads, size_t *new_documents, FileFault *fault) {
  ner_column columns[NER_MOST_COLUMNS];
  const size_t column_count = ner_segment_columns(precision, dimensions, columns);
  // int8's `vectors` are read when they are candidates.
  const size_t first_column = precision == NER_INT8 ? NER_COLUMN_DOCUMENTS : NER_COLUMN_ROWS;
  size_t row_bytes = 0;
  for (size_t column = first_column; column < column_count; ++column) row_bytes += columns[column].row_bytes;

  std::vector<Place> places;
  size_t end = segment.rows;
  for (const SegmentBlock &block : blocks) {
    places.push_back({segment.blocks + places.size(), end, block.rows});
    end += block.rows;
  }
  const size_t bytes = (end - segment.rows) * row_bytes;

  const size_t checked_columns = column_count - first_column;
  Finding finding = first_finding(blocks.size() * checked_columns, bytes, threads, [&](size_t i) {
    const size_t block = i / checked_columns;
    const size_t column = first_column + i % checked_columns;
    return check_checksum(segment, columns[column], column, places[block], blocks[block].checksums[column]);
  });

  std::vector<size_t> begun(blocks.size());
  if (finding.reason.empty())
    finding = first_finding(blocks.size(), bytes, threads, [&](size_t block) {
      Finding found = check_documents(segment, places[block], last_document, &begun[block]);
      if (found.reason.empty() && precision == NER_INT8)
        found = check_bound(segment, dimensions, places[block], blocks[block].longest);
      return found;
    });
  if (!finding.reason.empty()) return damaged_file(segment.files[finding.column], finding.reason, fault);

  *new_documents = 0;
  for (const size_t count : begun) *new_documents += count;
  return NER_OK;
}

}  // namespace ner_retriever
