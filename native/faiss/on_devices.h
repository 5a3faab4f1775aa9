#pragma once

#include <faiss/Index.h>

#include <cstddef>
#include <memory>
#include <mutex>

#include "faiss_api.h"

// The copy of an index on one GPU, or shared out among several, with the memory that FAISS works in there. One search at
// a time: that memory is one search's. Methods throw.
//
// on_devices.cpp where FAISS has GPUs, no_devices.cpp where it has none.
class OnDevices {
 public:
  // How many GPUs there are. Throws Failure (NER_UNAVAILABLE) where this FAISS was built for none.
  static int count();

  // `index` without its refinement. Throws Failure: NER_OUT_OF_MEMORY before anything is copied where too little is free.
  OnDevices(const faiss::Index &index, const ner_faiss_device_options &options);
  ~OnDevices();

  // Without the refinement, which stays in the host's memory.
  faiss::Index *index() const { return index_.get(); }
  bool has_lists() const;
  bool is_graph() const { return is_graph_; }

  // scores and rows [query_count, count]; row -1 where there are no more.
  void search(const float *queries, size_t query_count, size_t count, const ner_faiss_parameters &parameters,
              float *scores, int64_t *rows);
  // Before the index is trained or gets so many rows. Throws Failure: only one on one GPU that is no graph is changed, and
  // where there is room.
  void check_change(size_t rows) const;
  // A graph is refused.
  std::unique_ptr<faiss::Index> to_host();

 private:
  struct Resources;

  void use_nprobe(size_t nprobe);

  std::unique_ptr<Resources> resources_;  // outlives the index
  std::unique_ptr<faiss::Index> index_;
  bool is_graph_ = false;
  bool shared_out_ = false;
  int device_ = 0;  // the first one
  size_t row_bytes_ = 0;
  size_t own_nprobe_ = 0;
  std::mutex one_at_a_time_;
};
