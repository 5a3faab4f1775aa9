// The inside of the shared library that runs on GPUs: the table. What the functions do stands in files of their own; here
// their exceptions become statuses, and none crosses over.

#include <memory>

#include "cuda_api.h"
#include "runtime/device.h"
#include "runtime/status_of.h"
// pooling
// projection
// rows
#include "trainer.h"

using namespace ner_retriever::cuda;

struct ner_cuda_device {
  Device device;

  ner_cuda_device(int number, const ner_cuda_device_options &options) : device(number, options) {}
};

// projection

// rows

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

    /* rows_create */ nullptr,
    /* rows_destroy */ nullptr,
    /* rows_append */ nullptr,
    /* rows_search */ nullptr,
    /* rows_above */ nullptr,
    /* rows_scores */ nullptr,

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
