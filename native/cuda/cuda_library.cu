// The inside of the shared library that runs on GPUs: the table. What the functions do stands in files of their own; here
// their exceptions become statuses, and none crosses over.

#include <memory>
#include <string>

#include "cuda_api.h"
#include "runtime/device.h"
#include "runtime/status_of.h"
// pooling
// projection
#include "rows_search.h"
// trainer

using namespace ner_retriever::cuda;

struct ner_cuda_device {
  Device device;

  ner_cuda_device(int number, const ner_cuda_device_options &options) : device(number, options) {}
};

// projection

struct ner_cuda_rows {
  Rows rows;
};

// trainer

namespace {

// Does `work` alone on the device; all of it is done when this returns.
template <class Work>
ner_status run_on(Device &device, const Work &work) noexcept {
  return status_of([&] { device.run(work); });
}

constexpr ner_cuda_api api = {
    NER_CUDA_API_VERSION,
    /* last_error */ [] { return last_error(); },

    /* device_count */ [](int *count) { return status_of([&] { *count = Device::count(); }); },
    /* device_open */
    [](int number, const ner_cuda_device_options *options, ner_cuda_device **device) {
      return status_of([&] { *device = new ner_cuda_device(number, *options); });
    },
    /* device_close */ [](ner_cuda_device *device) { delete device; },
    /* device_describe */
    [](ner_cuda_device *device, ner_cuda_device_description *description) {
      return run_on(device->device, [&] { *description = device->device.describe(); });
    },

    /* pool_spans */ nullptr,

    /* projection_create */ nullptr,
    /* projection_destroy */ nullptr,
    /* projection_run */ nullptr,
    /* projection_run_spans */ nullptr,

    /* rows_create */
    [](ner_cuda_device *device, ner_precision precision, size_t dimensions, ner_cuda_rows **rows) {
      return run_on(device->device, [&] { *rows = new ner_cuda_rows{Rows(device->device, precision, dimensions)}; });
    },
    /* rows_destroy */
    [](ner_cuda_rows *rows) {
      if (rows != nullptr) rows->rows.device().destroy(rows);
    },
    /* rows_append */
    [](ner_cuda_rows *rows, const ner_segment *segment) {
      return run_on(rows->rows.device(), [&] { rows->rows.append(*segment); });
    },
    /* rows_search */
    [](ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *queries, size_t query_count,
       size_t limit, const ner_cuda_found *found) {
      return run_on(rows->rows.device(),
                    [&] { search_rows(rows->rows, row_count, selection, queries, query_count, limit, *found); });
    },
    /* rows_above */
    [](ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *query, float minimum_score,
       uint64_t *keys, size_t capacity, size_t *key_count) {
      return run_on(rows->rows.device(), [&] {
        const size_t count = rows_above(rows->rows, row_count, selection, query, minimum_score, keys, capacity);
        if (count > capacity)
          throw Failure(NER_INVALID_ARGUMENT, "expected room for " + std::to_string(count) + " documents, got " +
                                                  std::to_string(capacity));
        *key_count = count;
      });
    },
    /* rows_scores */
    [](ner_cuda_rows *rows, const float *queries, size_t query_count, const uint32_t *chosen, size_t chosen_count,
       float *scores) {
      return run_on(rows->rows.device(),
                    [&] { rows_scores(rows->rows, queries, query_count, chosen, chosen_count, scores); });
    },

    /* trainer_create */ nullptr,
    /* trainer_destroy */ nullptr,
    /* trainer_state */ nullptr,
    /* trainer_gradients */ nullptr,
    /* trainer_step */ nullptr,
};

}  // namespace

__attribute__((visibility("default"))) const ner_cuda_api *ner_retriever_cuda_api(void) { return &api; }
