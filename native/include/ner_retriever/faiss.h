#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ner_retriever/status.h"

struct ner_faiss_api;
struct ner_faiss_index;

namespace ner_retriever {

// Opens the shared library with FAISS in it, for the life of the process: the threads of OpenMP and OpenBLAS that it
// brings do not survive being unloaded. Null when it is not there, does not load (FAISS needs a BLAS and OpenMP) or is of
// another version than this library; ner_last_error() says which and what to do.
const ner_faiss_api *load_faiss(const char *path) noexcept;

// FAISS's own version: "1.7.3".
const char *faiss_version(const ner_faiss_api &api) noexcept;

// How many GPUs FAISS may use. NER_UNAVAILABLE: it was built for none; ner_last_error() says what to do.
ner_status faiss_device_count(const ner_faiss_api &api, int *count) noexcept;

// A copy of an index on GPUs.
struct FaissDeviceOptions {
  std::vector<int> devices{0};  // more than one: the rows are shared out among them
  size_t temporary_memory = 0;  // bytes of each for what FAISS works with; 0: 512 MiB. FAISS takes 1.5 GiB at most
  bool float16 = false;         // the rows of Flat and the tables of PQ in half the memory
};

// How a search trades time for recall. 0: as the index itself says. One that the index does not have is refused.
struct FaissParameters {
  size_t nprobe = 0;         // IVF: lists that are visited
  size_t ef_search = 0;      // HNSW: candidates that are kept while the graph is walked
  size_t refine_factor = 0;  // RFlat, Refine(…): candidates that are scored again, in multiples of the limit
};

// An approximate index of FAISS by inner product; rows are numbered from 0 in the order of adding. No method throws.
// Any number of searches may run at once, whatever their parameters; train() and add() must run alone.
class FaissIndex {
 public:
  // An empty index of a factory string: "HNSW32", "IVF4096,SQ8", "IVF4096,PQ64x4fs,RFlat", "Flat".
  static ner_status create(const ner_faiss_api &api, const std::string &factory, size_t dimensions,
                           std::unique_ptr<FaissIndex> *index) noexcept;
  // A standard FAISS file. NER_DAMAGED: it is none of an index that create() makes, or not by inner product. The
  // structure is checked byte by byte; vectors, codes and centroids are taken as they are.
  static ner_status read(const ner_faiss_api &api, const std::string &file,
                         std::unique_ptr<FaissIndex> *index) noexcept;
  FaissIndex(const FaissIndex &) = delete;
  FaissIndex &operator=(const FaissIndex &) = delete;
  ~FaissIndex();

  size_t dimensions() const noexcept { return dimensions_; }
  // Rows of calls of add() that have ended.
  size_t size() const noexcept { return size_; }
  bool is_trained() const noexcept { return is_trained_; }
  // Of the file that write() makes, which is about what the index takes in the host's memory; of one on GPUs: what stays there.
  size_t bytes() const noexcept { return bytes_; }

  // rows [count, dimensions]: a sample of what will be added.
  ner_status train(const float *rows, size_t count, unsigned threads) noexcept;
  // rows [count, dimensions]. They are copied, and numbered on from size(). NaN and infinity are refused by a graph (HNSW).
  ner_status add(const float *rows, size_t count, unsigned threads) noexcept;
  // queries [query_count, dimensions]; limit <= size(); scores and rows [query_count, limit], best first, equal scores by
  // lower row; counts [query_count]: how many of them were found. Rows whose score is NaN never are.
  ner_status search(const float *queries, size_t query_count, size_t limit, const FaissParameters &parameters,
                    unsigned threads, float *scores, uint32_t *rows, uint32_t *counts) const noexcept;
  ner_status write(const std::string &file) const noexcept;

  // A copy on GPUs, for searches; on one GPU also for train() and add(), unless it is a graph. The refinement stays in the
  // host's memory. NER_OUT_OF_MEMORY: too little of a GPU's memory is free, and nothing was copied. NER_UNAVAILABLE: this
  // FAISS knows no GPU, or there is none.
  ner_status to_devices(const FaissDeviceOptions &options, std::unique_ptr<FaissIndex> *copy) const noexcept;
  // A copy in the host's memory of an index on GPUs (write() makes one of its own).
  ner_status to_host(std::unique_ptr<FaissIndex> *copy) const noexcept;

 private:
  FaissIndex(const ner_faiss_api &api, ner_faiss_index *index) noexcept : api_(api), index_(index) {}
  static ner_status take(const ner_faiss_api &api, ner_status status, ner_faiss_index *made,
                         std::unique_ptr<FaissIndex> *index) noexcept;
  // Hands on what the library said, and notes what the index has become.
  ner_status after(ner_status status) noexcept;

  const ner_faiss_api &api_;
  ner_faiss_index *index_;
  size_t dimensions_ = 0;
  size_t size_ = 0;
  bool is_trained_ = false;
  size_t bytes_ = 0;
};

}  // namespace ner_retriever
