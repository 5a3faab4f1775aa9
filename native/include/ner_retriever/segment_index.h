#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ner_retriever/search.h"

struct ner_cuda_api;
struct ner_cuda_device;

namespace ner_retriever {

// Which file is the matter, and why.
struct FileFault {
  std::string file;
  int system_error = 0;  // errno; 0: what the system gave is not what was written
  std::string reason;
};

// Rows that were appended to a segment at one time.
struct SegmentBlock {
  size_t rows;
  std::vector<uint32_t> checksums;  // CRC32C of the block's bytes in each column
  float longest;                    // as ner_pack_rows gave it
};

// A whole ranking: scores and rows [count], best first.
struct Ranking {
  size_t count = 0;
  std::unique_ptr<float[]> scores;
  std::unique_ptr<uint32_t[]> rows;
};

struct MappedSegment;
class DeviceRows;

// The rows of a SegmentIndex at one moment: they stay what and where they are, however the index grows or goes. No method
// throws, and any number may run at once. Before rows are read, the length of every file is: memory beyond the end of one
// that was cut meanwhile must not be touched. With NER_DAMAGED `fault`, which is never null, says what is wrong.
class SegmentRows {
 public:
  // device: null, or the same rows on a GPU, and maybe more that came later.
  SegmentRows(ner_instruction_set set, ner_precision precision, size_t dimensions,
              std::vector<std::shared_ptr<const MappedSegment>> segments, std::shared_ptr<DeviceRows> device);

  size_t count() const noexcept { return count_; }
  // How many documents the rows belong to.
  size_t document_count() const noexcept { return document_count_; }
  // What is mapped.
  size_t bytes() const noexcept { return bytes_; }

  // As ner_search_top_k, ner_search_ranking and ner_search_scores. A ranking takes at most 16 bytes for each document that
  // may be found while it is made, and 8 for each that was found when it is there.
  // Where the rows are on a GPU, it answers: float32 and bfloat16 with scores that it added in its own order; int8 with what
  // the CPU finds, bit for bit, but for rankings and single scores, which the CPU makes. Where the GPU's memory does not
  // suffice for a call, the CPU answers.
  ner_status search(const ner_selection *selection, const float *queries, size_t query_count, size_t limit,
                    unsigned threads, float *scores, uint32_t *rows, size_t *counts, FileFault *fault) const noexcept;
  ner_status rank(const ner_selection *selection, const float *query, float minimum_score, unsigned threads,
                  Ranking *ranking, FileFault *fault) const noexcept;
  ner_status scores(const float *queries, size_t query_count, const uint32_t *rows, size_t row_count, float *scores,
                    FileFault *fault) const noexcept;

  // For each of rows [row_count]: its document, that document's first row and how many rows it has.
  ner_status locate(const uint32_t *rows, size_t row_count, uint32_t *documents, uint32_t *first_rows,
                    uint32_t *counts, FileFault *fault) const noexcept;

  // vectors [row_count, dimensions]: the rows from `first_row` on; bfloat16 is widened, int8's originals are checked.
  ner_status vectors(size_t first_row, size_t row_count, float *vectors, FileFault *fault) const noexcept;

 private:
  friend class SegmentIndex;

  ner_segments native() const noexcept { return {precision_, dimensions_, natives_.data(), natives_.size()}; }
  // The number of the segment that has the row, which there must be.
  size_t segment_of(size_t row) const noexcept;
  ner_status check_lengths(FileFault *fault) const;
  // Fills in `fault` where the status is NER_DAMAGED.
  ner_status with_fault(ner_status status, uint32_t damaged_row, FileFault *fault) const;

  ner_instruction_set set_;
  ner_precision precision_;
  size_t dimensions_;
  // Whether the GPU makes scores, and not only candidates.
  bool scores_on_device() const noexcept { return device_ != nullptr && precision_ != NER_INT8; }
  std::shared_ptr<DeviceRows> device_;  // null: the CPU answers
  std::vector<std::shared_ptr<const MappedSegment>> segments_;
  std::vector<ner_segment> natives_;
  std::vector<size_t> first_rows_;  // of each segment
  size_t count_ = 0;
  size_t document_count_ = 0;
  size_t bytes_ = 0;
};

// An index whose rows lie in files: segments, each of several columns (segment_columns.h), which are mapped read-only and
// grow at their ends. No method throws; any may be called at any time, from any thread.
class SegmentIndex {
 public:
  // Throws std::bad_alloc alone. int8: at most NER_INT8_MOST_DIMENSIONS. With a device, the rows are copied to it as they
  // are mapped, and it answers the searches; where that does not go on (its memory is full), the CPU does:
  // device_fault() says why.
  SegmentIndex(ner_instruction_set set, ner_precision precision, size_t dimensions, const ner_cuda_api *cuda = nullptr,
               std::shared_ptr<ner_cuda_device> device = nullptr);

  // Why the rows are not on the device that was given; empty where they are, and where none was given.
  std::string device_fault() const;

  // Null after close().
  std::shared_ptr<const SegmentRows> rows() const noexcept;

  // Maps `blocks` more of the segment whose columns are `files`: the last segment grows, or a new one follows. The blocks'
  // bytes are read, by at most `threads` threads, and checked: the checksum of every column but int8's `vectors` (whose
  // rows have checksums of their own, for when they are read), documents that rise, `longest`, and numbers that
  // ner_pack_rows makes. Calls are carried out one after the other. On failure nothing was added; `fault` says
  // what is wrong with NER_DAMAGED, and with NER_FAILED where it names a file.
  ner_status map(const std::vector<std::string> &files, const std::vector<SegmentBlock> &blocks, unsigned threads,
                 FileFault *fault) noexcept;

  // Lets go of all rows; the files are unmapped when the last SegmentRows is gone.
  void close() noexcept;

 private:
  ner_instruction_set set_;
  ner_precision precision_;
  size_t dimensions_;
  // Keeps what ner_last_error() says.
  void keep_device_fault();

  std::mutex map_mutex_;           // held by map() while it works
  mutable std::mutex rows_mutex_;  // held for the moment in which what follows is read or replaced
  std::string device_fault_;
  std::shared_ptr<const SegmentRows> rows_;
};

}  // namespace ner_retriever
