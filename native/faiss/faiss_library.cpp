// The inside of the shared library that has FAISS in it. Every FAISS call stands behind a catch: its exceptions become
// statuses here, and none crosses over.

#include <faiss/Index.h>
#include <faiss/IndexFlat.h>
#include <omp.h>

#include <cstdio>
#include <exception>
#include <new>

#include "faiss_api.h"

// OpenBLAS has threads of its own beside OpenMP's. Absent where another BLAS is installed.
extern "C" void openblas_set_num_threads(int threads) __attribute__((weak));

struct ner_faiss_index {
  faiss::IndexFlatIP flat;
};

namespace {

thread_local char error_words[512] = "";

template <class Work>
ner_status guarded(const Work &work) noexcept {
  try {
    work();
    return NER_OK;
  } catch (const std::bad_alloc &) {
    std::snprintf(error_words, sizeof error_words, "out of memory");
    return NER_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    std::snprintf(error_words, sizeof error_words, "FAISS: %s", error.what());
    return NER_FAILED;
  } catch (...) {
    std::snprintf(error_words, sizeof error_words, "FAISS: an unknown error");
    return NER_FAILED;
  }
}

using FaissCount = faiss::Index::idx_t;

#define NER_TEXT_(x) #x
#define NER_TEXT(x) NER_TEXT_(x)

const ner_faiss_api api = {
    NER_FAISS_API_VERSION,
    NER_TEXT(FAISS_VERSION_MAJOR) "." NER_TEXT(FAISS_VERSION_MINOR) "." NER_TEXT(FAISS_VERSION_PATCH),
    [] { return static_cast<const char *>(error_words); },
    [](size_t dimensions, ner_faiss_index **index) {
      return guarded([&] { *index = new ner_faiss_index{faiss::IndexFlatIP(static_cast<FaissCount>(dimensions))}; });
    },
    [](ner_faiss_index *index) { delete index; },
    [](ner_faiss_index *index, const float *rows, size_t count) {
      return guarded([&] { index->flat.add(static_cast<FaissCount>(count), rows); });
    },
    [](const ner_faiss_index *index, const float *queries, size_t query_count, size_t limit, unsigned threads,
       float *scores, int64_t *rows) {
      return guarded([&] {
        // OpenMP keeps this number for each thread that calls, and searches come from any thread of a pool.
        const int count = threads > 0 ? static_cast<int>(threads) : 1;
        omp_set_num_threads(count);
        if (openblas_set_num_threads != nullptr) openblas_set_num_threads(count);
        index->flat.search(static_cast<FaissCount>(query_count), queries, static_cast<FaissCount>(limit), scores, rows);
      });
    },
};

}  // namespace

__attribute__((visibility("default"))) const ner_faiss_api *ner_retriever_faiss_api(void) { return &api; }
