// The inside of the shared library that runs on GPUs: the table. What the functions do stands in files of their own; here
// their exceptions become statuses, and none crosses over.

#include <memory>

#include "cuda_api.h"
#include "runtime/device.h"
#include "runtime/status_of.h"
// pooling
// projection
// rows
// trainer

using namespace ner_retriever::cuda;

struct ner_cuda_device {
  Device device;

  ner_cuda_device(int number, const ner_cuda_device_options &options) : device(number, options) {}
};

// projection

// rows

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

    /* rows_create */ nullptr,
    /* rows_destroy */ nullptr,
    /* rows_append */ nullptr,
    /* rows_search */ nullptr,
    /* rows_above */ nullptr,
    /* rows_scores */ nullptr,

    /* trainer_create */ nullptr,
    /* trainer_destroy */ nullptr,
    /* trainer_state */ nullptr,
    /* trainer_gradients */ nullptr,
    /* trainer_step */ nullptr,
};

}  // namespace

__attribute__((visibility("default"))) const ner_cuda_api *ner_retriever_cuda_api(void) { return &api; }
