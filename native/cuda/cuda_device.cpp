#include "ner_retriever/cuda_device.h"

#include <new>

#include "cuda_api.h"
#include "last_error.h"

// Part of the library `ner_retriever`, as load_cuda.cpp is: nothing of CUDA is compiled here.

namespace ner_retriever {

namespace {

// The object around what the library made; if there is no memory for it, that is destroyed again.
template <class Object, class Native>
ner_status taken(Object *object, void (*destroy)(Native *), Native *native, std::unique_ptr<Object> *out) noexcept {
  out->reset(object);
  if (object != nullptr) return NER_OK;
  destroy(native);
  return fail(NER_OUT_OF_MEMORY, "out of memory");
}

}  // namespace

ner_status CudaDevice::open(const ner_cuda_api &api, int number, size_t memory_limit,
                            std::shared_ptr<CudaDevice> *device) noexcept {
  const ner_cuda_device_options options = {memory_limit, 0, nullptr};
  ner_cuda_device *native = nullptr;
  const ner_status status = api.device_open(number, &options, &native);
  if (status != NER_OK) return fail(status, api.last_error());
  std::unique_ptr<CudaDevice> made;
  const ner_status taking = taken(new (std::nothrow) CudaDevice(api, native), api.device_close, native, &made);
  if (taking != NER_OK) return taking;
  try {
    *device = std::move(made);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

CudaDevice::~CudaDevice() { api_.device_close(native_); }

ner_status CudaDevice::handed_on(ner_status status) const noexcept {
  return status == NER_OK ? NER_OK : fail(status, api_.last_error());
}

ner_status CudaDevice::describe(ner_cuda_device_description *description) noexcept {
  return handed_on(api_.device_describe(native_, description));
}

ner_status CudaDevice::pool_spans(const float *rows, size_t tokens, size_t dimensions, const int32_t *spans,
                                  size_t span_count, ner_pooling pooling, float *out) noexcept {
  return handed_on(api_.pool_spans(native_, rows, tokens, dimensions, spans, span_count, pooling, out));
}

ner_status CudaProjection::create(std::shared_ptr<CudaDevice> device, const ner_linear_layer *layers,
                                  size_t layer_count, size_t input_dimensions,
                                  std::unique_ptr<CudaProjection> *projection) noexcept {
  const ner_cuda_api &api = device->api();
  ner_cuda_projection *native = nullptr;
  const ner_status status = api.projection_create(device->native(), layers, layer_count, input_dimensions, &native);
  if (status != NER_OK) return device->handed_on(status);
  return taken(new (std::nothrow) CudaProjection(std::move(device), native), api.projection_destroy, native, projection);
}

CudaProjection::~CudaProjection() { device_->api().projection_destroy(native_); }

ner_status CudaProjection::run(const float *rows, size_t row_count, float *out) noexcept {
  return device_->handed_on(device_->api().projection_run(native_, rows, row_count, out));
}

ner_status CudaProjection::run_spans(const float *rows, size_t tokens, const int32_t *spans, size_t span_count,
                                     ner_pooling pooling, float *out) noexcept {
  return device_->handed_on(
      device_->api().projection_run_spans(native_, rows, tokens, spans, span_count, pooling, out));
}

ner_status CudaTrainer::create(std::shared_ptr<CudaDevice> device, const ner_trainer_options *options,
                               const float *parameters, const float *first_moments, const float *second_moments,
                               uint64_t steps, std::unique_ptr<CudaTrainer> *trainer) noexcept {
  const ner_cuda_api &api = device->api();
  ner_cuda_trainer *native = nullptr;
  const ner_status status =
      api.trainer_create(device->native(), options, parameters, first_moments, second_moments, steps, &native);
  if (status != NER_OK) return device->handed_on(status);
  return taken(new (std::nothrow) CudaTrainer(std::move(device), native), api.trainer_destroy, native, trainer);
}

CudaTrainer::~CudaTrainer() { device_->api().trainer_destroy(native_); }

ner_status CudaTrainer::state(float *parameters, float *first_moments, float *second_moments,
                              uint64_t *steps) noexcept {
  return device_->handed_on(device_->api().trainer_state(native_, parameters, first_moments, second_moments, steps));
}

ner_status CudaTrainer::gradients(const ner_training_batch *batch, const ner_loss_options *loss, double *loss_value,
                                  float *gradients) noexcept {
  return device_->handed_on(device_->api().trainer_gradients(native_, batch, loss, loss_value, gradients));
}

ner_status CudaTrainer::step(const ner_training_batch *batch, const ner_loss_options *loss,
                             const ner_update_options *update, double *loss_value, double *gradient_norm) noexcept {
  return device_->handed_on(device_->api().trainer_step(native_, batch, loss, update, loss_value, gradient_norm));
}

}  // namespace ner_retriever
