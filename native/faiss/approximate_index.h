#pragma once

#include <faiss/Index.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFastScan.h>
#include <faiss/IndexRefine.h>
#include <faiss/impl/io.h>

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>

#include "faiss_api.h"
#include "on_devices.h"

// One FAISS index by inner product. Its methods throw; searches may run beside each other, whatever their parameters.
class ApproximateIndex {
 public:
  static std::unique_ptr<ApproximateIndex> create(const std::string &factory, size_t dimensions);
  static std::unique_ptr<ApproximateIndex> read(const std::string &file);

  explicit ApproximateIndex(std::unique_ptr<faiss::Index> index);

  std::unique_ptr<ApproximateIndex> to_devices(const ner_faiss_device_options &options) const;
  std::unique_ptr<ApproximateIndex> to_host() const;

  ner_faiss_description describe() const;
  void train(const float *rows, size_t count);
  void add(const float *rows, size_t count);
  void search(const float *queries, size_t query_count, size_t limit, const ner_faiss_parameters &parameters,
              float *scores, uint32_t *rows, uint32_t *counts) const;
  void write(const std::string &file) const;

 private:
  ApproximateIndex(std::shared_ptr<faiss::Index> index, std::shared_ptr<OnDevices> on_devices);

  std::shared_ptr<faiss::Index> with_refinement(std::shared_ptr<faiss::Index> base) const;
  size_t candidate_count(size_t limit, const ner_faiss_parameters &parameters) const;
  void find_candidates(const float *queries, size_t query_count, size_t count, const ner_faiss_parameters &parameters,
                       float *scores, int64_t *rows) const;
  void score_again(const float *queries, size_t query_count, size_t count, float *scores, const int64_t *rows) const;
  void save(faiss::IOWriter &writer) const;

  std::shared_ptr<faiss::Index> index_;
  std::shared_ptr<OnDevices> on_devices_;  // null in the host's memory; else `base_` is its index
  // Parts of it, null where it has none.
  faiss::IndexRefine *refine_ = nullptr;
  faiss::Index *base_ = nullptr;  // without the refinement
  faiss::IndexIVF *lists_ = nullptr;
  faiss::IndexIVFFastScan *fast_scan_ = nullptr;
  faiss::IndexHNSW *graph_ = nullptr;

  // The fast scan takes `nprobe` from its index alone. Searches hold this shared while it has the value that they want.
  mutable std::shared_mutex fast_scan_setting_;
  size_t own_nprobe_ = 0;
};
