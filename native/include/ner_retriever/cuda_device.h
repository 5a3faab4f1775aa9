#pragma once

#include <cstdint>
#include <memory>

#include "ner_retriever/pooling.h"
#include "ner_retriever/projection.h"
#include "ner_retriever/training.h"

struct ner_cuda_api;
struct ner_cuda_device;
struct ner_cuda_device_description;
struct ner_cuda_projection;
struct ner_cuda_trainer;

// What the CUDA library (see cuda.h) does, as objects: each holds what it lies on, so that a device is closed when the last
// thing on it has gone. No method throws; any of them may be called from any thread.

namespace ner_retriever {

class CudaDevice {
 public:
  // `memory_limit` as in cuda_api.h. NER_UNAVAILABLE: no driver, no such device, or none that the library has code for.
  static ner_status open(const ner_cuda_api &api, int number, size_t memory_limit,
                         std::shared_ptr<CudaDevice> *device) noexcept;
  CudaDevice(const CudaDevice &) = delete;
  CudaDevice &operator=(const CudaDevice &) = delete;
  ~CudaDevice();

  ner_status describe(ner_cuda_device_description *description) noexcept;
  // As ner_pool_spans.
  ner_status pool_spans(const float *rows, size_t tokens, size_t dimensions, const int32_t *spans, size_t span_count,
                        ner_pooling pooling, float *out) noexcept;

  const ner_cuda_api &api() const noexcept { return api_; }
  ner_cuda_device *native() const noexcept { return native_; }
  // Keeps what the library said of a failure for ner_last_error().
  ner_status handed_on(ner_status status) const noexcept;

 private:
  CudaDevice(const ner_cuda_api &api, ner_cuda_device *native) noexcept : api_(api), native_(native) {}

  const ner_cuda_api &api_;
  ner_cuda_device *native_;
};

class CudaProjection {
 public:
  // As ner_projection_create.
  static ner_status create(std::shared_ptr<CudaDevice> device, const ner_linear_layer *layers, size_t layer_count,
                           size_t input_dimensions, std::unique_ptr<CudaProjection> *projection) noexcept;
  CudaProjection(const CudaProjection &) = delete;
  CudaProjection &operator=(const CudaProjection &) = delete;
  ~CudaProjection();

  // As ner_projection_run, with products of bfloat16.
  ner_status run(const float *rows, size_t row_count, float *out) noexcept;
  // Of the vectors that ner_pool_spans would give: out [span_count, output].
  ner_status run_spans(const float *rows, size_t tokens, const int32_t *spans, size_t span_count, ner_pooling pooling,
                       float *out) noexcept;

 private:
  CudaProjection(std::shared_ptr<CudaDevice> device, ner_cuda_projection *native) noexcept
      : device_(std::move(device)), native_(native) {}

  std::shared_ptr<CudaDevice> device_;
  ner_cuda_projection *native_;
};

class CudaTrainer {
 public:
  // As ner_trainer_create.
  static ner_status create(std::shared_ptr<CudaDevice> device, const ner_trainer_options *options,
                           const float *parameters, const float *first_moments, const float *second_moments,
                           uint64_t steps, std::unique_ptr<CudaTrainer> *trainer) noexcept;
  CudaTrainer(const CudaTrainer &) = delete;
  CudaTrainer &operator=(const CudaTrainer &) = delete;
  ~CudaTrainer();

  ner_status state(float *parameters, float *first_moments, float *second_moments, uint64_t *steps) noexcept;
  ner_status gradients(const ner_training_batch *batch, const ner_loss_options *loss, double *loss_value,
                       float *gradients) noexcept;
  ner_status step(const ner_training_batch *batch, const ner_loss_options *loss, const ner_update_options *update,
                  double *loss_value, double *gradient_norm) noexcept;

 private:
  CudaTrainer(std::shared_ptr<CudaDevice> device, ner_cuda_trainer *native) noexcept
      : device_(std::move(device)), native_(native) {}

  std::shared_ptr<CudaDevice> device_;
  ner_cuda_trainer *native_;
};

// Whether the device computes what it should: a product and a search that are small and whose answers are known.
ner_status try_cuda(const std::shared_ptr<CudaDevice> &device) noexcept;

}  // namespace ner_retriever
