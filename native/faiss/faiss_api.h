#pragma once

#include "ner_retriever/status.h"

// What the FAISS library (a shared library of its own, see CMakeLists.txt here) and the one that opens it agree on.
// Plain C: both sides may come from different builds. `api_version` is the first field for all time; whoever changes
// anything below it raises the number, and a library with another number is refused.

#define NER_FAISS_API_VERSION 3u

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ner_faiss_index ner_faiss_index;

typedef struct ner_faiss_description {
  size_t dimensions;
  size_t size; // rows
  int is_trained;
  size_t bytes; // of the file that write() would make, which is about what it takes in the host's memory; on GPUs: of the
                // refinement, which stays in the host's memory
} ner_faiss_description;

// 0: the index's own. One that the index does not have is NER_INVALID_ARGUMENT.
typedef struct ner_faiss_parameters {
  size_t nprobe;        // IVF: lists that are visited
  size_t ef_search;     // HNSW: candidates that are kept while the graph is walked
  size_t refine_factor; // RFlat, Refine(…): candidates that are scored again, in multiples of the limit
} ner_faiss_parameters;

// A copy on GPUs. By default on GPU 0.
typedef struct ner_faiss_device_options {
  const int *devices; // each a number; more than one: the rows are shared out among them
  size_t device_count;
  size_t temporary_memory; // bytes of each GPU for what FAISS works with; 0: 512 MiB. FAISS takes 1.5 GiB at most
  int float16;             // the rows of Flat and the tables of PQ in half the memory
} ner_faiss_device_options;

// Threads: at most `threads` of them work in a call, the calling one among them.
typedef struct ner_faiss_api {
  uint32_t api_version;
  const char *faiss_version; // "1.7.3"

  // Why the last call on this thread that did not return NER_OK failed.
  const char *(*last_error)(void);

  // An empty index by inner product, made by faiss::index_factory.
  ner_status (*create)(const char *factory, size_t dimensions, ner_faiss_index **index);
  // From a file of write() or of any other FAISS. NER_DAMAGED: it is none, or not by inner product.
  ner_status (*read)(const char *file, ner_faiss_index **index);
  ner_status (*write)(const ner_faiss_index *index, const char *file);
  void (*destroy)(ner_faiss_index *index);

  ner_status (*describe)(const ner_faiss_index *index, ner_faiss_description *description);
  // rows [count, dimensions].
  ner_status (*train)(ner_faiss_index *index, const float *rows, size_t count, unsigned threads);
  // rows [count, dimensions], copied.
  ner_status (*add)(ner_faiss_index *index, const float *rows, size_t count, unsigned threads);
  // queries [query_count, dimensions]; limit within the size; scores and rows [query_count, limit], best first, equal
  // scores by lower row; counts [query_count]: how many of them were found. What lies behind is left as it was.
  ner_status (*search)(const ner_faiss_index *index, const float *queries, size_t query_count, size_t limit,
                       const ner_faiss_parameters *parameters, unsigned threads, float *scores, uint32_t *rows,
                       uint32_t *counts);

  // How many GPUs FAISS may use. NER_UNAVAILABLE: it was built for none.
  ner_status (*device_count)(int *count);
  // A copy on GPUs: search(), describe(), write() and, on one GPU, train() and add() are the same there. The refinement stays
  // in the host's memory. NER_OUT_OF_MEMORY: too little of a GPU's memory is free, and nothing was copied.
  ner_status (*to_devices)(const ner_faiss_index *index, const ner_faiss_device_options *options, ner_faiss_index **copy);
  // A copy in the host's memory of an index on GPUs. Rows that were narrowed to float16 stay as they are.
  ner_status (*to_host)(const ner_faiss_index *index, ner_faiss_index **copy);
} ner_faiss_api;

// The one exported symbol.
const ner_faiss_api *ner_retriever_faiss_api(void);

#ifdef __cplusplus
}
#endif
