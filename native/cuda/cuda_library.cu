// The inside of the shared library that runs on GPUs: the table. What the functions do stands in files of their own; here
// their exceptions become statuses, and none crosses over.

#include <memory>
#include <string>

#include "cuda_api.h"
#include "pooling.h"
#include "project_rows.h"
#include "runtime/device.h"
#include "runtime/status_of.h"
#include "rows_search.h"
#include "trainer.h"

using namespace ner_retriever::cuda;

struct ner_cuda_device {
  Device device;

  ner_cuda_device(int number, const ner_cuda_device_options &options) : device(number, options) {}
};

struct ner_cuda_projection {
  Device &device;
  Projection projection;
};

struct ner_cuda_rows {
  Rows rows;
};

struct ner_cuda_trainer {
  Device &device;
  Trainer trainer;
};

namespace {

// Does `work` alone on the device; all of it is done when this returns.
template <class Work>
ner_status run_on(Device &device, const Work &work) noexcept {
  return status_of([&] { device.run(work); });
}

// Also where the device no longer works.
template <class Object>
void destroy_on(Device &device, Object *object) noexcept {
  std::unique_ptr<Object> owned(object);
  run_on(device, [&] { owned.reset(); });
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

    /* pool_spans */
    [](ner_cuda_device *device, const float *rows, size_t tokens, size_t dimensions, const int32_t *spans, size_t span_count,
       ner_pooling pooling, float *out) {
      return run_on(device->device, [&] {
        pool_host_spans(device->device, rows, tokens, dimensions, {spans, span_count, pooling}, out);
      });
    },

    /* projection_create */
    [](ner_cuda_device *device, const ner_linear_layer *layers, size_t layer_count, size_t input_dimensions,
       ner_cuda_projection **projection) {
      return run_on(device->device, [&] {
        *projection = new ner_cuda_projection{device->device, {device->device, layers, layer_count, input_dimensions}};
      });
    },
    /* projection_destroy */ [](ner_cuda_projection *projection) { destroy_on(projection->device, projection); },
    /* projection_run */
    [](ner_cuda_projection *projection, const float *rows, size_t row_count, float *out) {
      return run_on(projection->device, [&] { projection->projection.run(rows, row_count, out); });
    },
    /* projection_run_spans */
    [](ner_cuda_projection *projection, const float *rows, size_t tokens, const int32_t *spans, size_t span_count,
       ner_pooling pooling, float *out) {
      return run_on(projection->device,
                    [&] { projection->projection.run_spans(rows, tokens, {spans, span_count, pooling}, out); });
    },

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

    /* trainer_create */
    [](ner_cuda_device *device, const ner_trainer_options *options, const float *parameters, const float *first_moments,
       const float *second_moments, uint64_t steps, ner_cuda_trainer **trainer) {
      return run_on(device->device, [&] {
        *trainer = new ner_cuda_trainer{device->device,
                                        {device->device, *options, parameters, first_moments, second_moments, steps}};
      });
    },
    /* trainer_destroy */ [](ner_cuda_trainer *trainer) { trainer->device.destroy(trainer); },
    /* trainer_state */
    [](ner_cuda_trainer *trainer, float *parameters, float *first_moments, float *second_moments, uint64_t *steps) {
      return run_on(trainer->device,
                    [&] { trainer->trainer.state(parameters, first_moments, second_moments, steps); });
    },
    /* trainer_gradients */
    [](ner_cuda_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss, double *loss_value,
       float *gradients) {
      return run_on(trainer->device, [&] { *loss_value = trainer->trainer.gradients(*batch, *loss, gradients); });
    },
    /* trainer_step */
    [](ner_cuda_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
       const ner_update_options *update, double *loss_value, double *gradient_norm) {
      return run_on(trainer->device, [&] {
        const Outcome outcome = trainer->trainer.step(*batch, *loss, *update);
        *loss_value = outcome.loss;
        *gradient_norm = outcome.gradient_norm;
      });
    },
};

}  // namespace

__attribute__((visibility("default"))) const ner_cuda_api *ner_retriever_cuda_api(void) { return &api; }
