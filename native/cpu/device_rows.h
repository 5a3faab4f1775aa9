#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "candidate_rows.h"
#include "ner_retriever/search.h"

struct ner_cuda_api;
struct ner_cuda_device;
struct ner_cuda_rows;

namespace ner_retriever {

// The rows of a SegmentIndex on a GPU, which grow with it. Each SegmentRows says how many of them it has: what came later
// is passed over. Any number of searches may run at once; the device takes one after the other.
//
// Where a search needs more memory of the device than there is, it answers NER_OUT_OF_MEMORY, and the caller searches on
// the CPU.
class DeviceRows {
 public:
  static ner_status create(const ner_cuda_api &cuda, std::shared_ptr<ner_cuda_device> device, ner_precision precision,
                           size_t dimensions, std::shared_ptr<DeviceRows> *made);
  DeviceRows(const DeviceRows &) = delete;
  ~DeviceRows();

  // Adds rows behind those that are there; on failure none.
  ner_status append(const ner_segment &segment) noexcept;

  // As ner_search_top_k, ner_search_ranking and ner_search_scores, float32 and bfloat16; rows below row_count.
  ner_status search(size_t row_count, const ner_selection *selection, const float *queries, size_t query_count, size_t limit,
                    float *scores, uint32_t *rows, size_t *counts) const noexcept;
  ner_status rank(size_t row_count, const ner_selection *selection, const float *query, float minimum_score,
                  unsigned threads, uint64_t *keys, size_t capacity, size_t *key_count) const;
  ner_status scores(const float *queries, size_t query_count, const uint32_t *rows, size_t row_count,
                    float *scores) const noexcept;

  // int8: what find_candidates of search_int8.cpp finds. Their documents are not known here.
  ner_status candidates(size_t row_count, const ner_selection *selection, const float *queries, size_t query_count,
                        size_t limit, std::vector<Candidates> *found) const;

 private:
  DeviceRows(const ner_cuda_api &cuda, std::shared_ptr<ner_cuda_device> device, ner_cuda_rows *rows) noexcept
      : cuda_(cuda), device_(std::move(device)), rows_(rows) {}
  // Keeps what the library said for ner_last_error().
  ner_status handed_on(ner_status status) const noexcept;

  const ner_cuda_api &cuda_;
  std::shared_ptr<ner_cuda_device> device_;
  ner_cuda_rows *rows_;
};

}  // namespace ner_retriever
