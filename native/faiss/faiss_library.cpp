// The inside of the shared library that has FAISS in it. Every FAISS call stands behind a catch: its exceptions become
// statuses here, and none crosses over.

#include <omp.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "approximate_index.h"
#include "faiss_api.h"
#include "failure.h"

// OpenBLAS has threads of its own beside OpenMP's. Absent where another BLAS is installed.
extern "C" void openblas_set_num_threads(int threads) __attribute__((weak));

struct ner_faiss_index {
  std::unique_ptr<ApproximateIndex> index;
};

namespace {

thread_local char error_words[512] = "";

template <class Work>
ner_status guarded(const Work &work) noexcept {
  try {
    work();
    return NER_OK;
  } catch (const Failure &failure) {
    std::snprintf(error_words, sizeof error_words, "%s", failure.what());
    return failure.status;
  } catch (const std::bad_alloc &) {
    std::snprintf(error_words, sizeof error_words, "out of memory");
    return NER_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    std::snprintf(error_words, sizeof error_words, "FAISS: %s", error.what());
    // A GPU's memory that is full has no exception of its own.
    return std::strstr(error.what(), "out of memory") == nullptr ? NER_FAILED : NER_OUT_OF_MEMORY;
  } catch (...) {
    std::snprintf(error_words, sizeof error_words, "FAISS: an unknown error");
    return NER_FAILED;
  }
}

// OpenMP keeps this number for each thread that calls, and calls come from any thread of a pool.
void use_threads(unsigned threads) {
  const int count = threads > 0 ? static_cast<int>(threads) : 1;
  omp_set_num_threads(count);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(count);
}

#define NER_TEXT_(x) #x
#define NER_TEXT(x) NER_TEXT_(x)

const ner_faiss_api api = {
    NER_FAISS_API_VERSION,
    NER_TEXT(FAISS_VERSION_MAJOR) "." NER_TEXT(FAISS_VERSION_MINOR) "." NER_TEXT(FAISS_VERSION_PATCH),
    [] { return static_cast<const char *>(error_words); },
    [](const char *factory, size_t dimensions, ner_faiss_index **index) {
      return guarded([&] { *index = new ner_faiss_index{ApproximateIndex::create(factory, dimensions)}; });
    },
    [](const char *file, ner_faiss_index **index) {
      return guarded([&] { *index = new ner_faiss_index{ApproximateIndex::read(file)}; });
    },
    [](const ner_faiss_index *index, const char *file) { return guarded([&] { index->index->write(file); }); },
    [](ner_faiss_index *index) { delete index; },
    [](const ner_faiss_index *index, ner_faiss_description *description) {
      return guarded([&] { *description = index->index->describe(); });
    },
    [](ner_faiss_index *index, const float *rows, size_t count, unsigned threads) {
      return guarded([&] {
        use_threads(threads);
        index->index->train(rows, count);
      });
    },
    [](ner_faiss_index *index, const float *rows, size_t count, unsigned threads) {
      return guarded([&] {
        use_threads(threads);
        index->index->add(rows, count);
      });
    },
    [](const ner_faiss_index *index, const float *queries, size_t query_count, size_t limit,
       const ner_faiss_parameters *parameters, unsigned threads, float *scores, uint32_t *rows, uint32_t *counts) {
      return guarded([&] {
        use_threads(threads);
        index->index->search(queries, query_count, limit, *parameters, scores, rows, counts);
      });
    },
    [](int *count) { return guarded([&] { *count = OnDevices::count(); }); },
    [](const ner_faiss_index *index, const ner_faiss_device_options *options, ner_faiss_index **copy) {
      return guarded([&] { *copy = new ner_faiss_index{index->index->to_devices(*options)}; });
    },
    [](const ner_faiss_index *index, ner_faiss_index **copy) {
      return guarded([&] { *copy = new ner_faiss_index{index->index->to_host()}; });
    },
};

}  // namespace

__attribute__((visibility("default"))) const ner_faiss_api *ner_retriever_faiss_api(void) { return &api; }
