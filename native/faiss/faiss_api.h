#pragma once

#include "ner_retriever/status.h"

// What the FAISS library (a shared library of its own, see CMakeLists.txt here) and the one that opens it agree on.
// Plain C: both sides may come from different builds. `api_version` is the first field for all time; whoever changes
// anything below it raises the number, and a library with another number is refused.

#define NER_FAISS_API_VERSION 1u

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ner_faiss_index ner_faiss_index;

typedef struct ner_faiss_api {
  uint32_t api_version;
  const char *faiss_version; // "1.7.3"

  // Why the last call on this thread that did not return NER_OK failed.
  const char *(*last_error)(void);

  // An IndexFlatIP.
  ner_status (*create)(size_t dimensions, ner_faiss_index **index);
  void (*destroy)(ner_faiss_index *index);
  // rows [count, dimensions], copied.
  ner_status (*add)(ner_faiss_index *index, const float *rows, size_t count);
  // queries [query_count, dimensions]; scores and rows [query_count, limit], best first; row -1 where FAISS found none
  // (it does not rank NaN).
  ner_status (*search)(const ner_faiss_index *index, const float *queries, size_t query_count, size_t limit,
                       unsigned threads, float *scores, int64_t *rows);
} ner_faiss_api;

// The one exported symbol.
const ner_faiss_api *ner_retriever_faiss_api(void);

#ifdef __cplusplus
}
#endif
