#pragma once

#include <cuda_bf16.h>

#include <vector>

#include "linear_layer.cuh"
#include "ner_retriever/projection.h"
#include "runtime/device.h"
#include "span_chunks.h"

namespace ner_retriever::cuda {

// A projection head on the device: its weights rounded to bfloat16, padded. Everything here happens within Device::run().
class Projection {
 public:
  Projection(Device &device, const ner_linear_layer *layers, size_t layer_count, size_t input_dimensions);

  size_t input() const { return input_; }
  size_t output() const { return output_; }

  // As ner_projection_run: rows [row_count, input] and out [row_count, output], in the host's memory.
  void run(const float *rows, size_t row_count, float *out);
  // Pooled first: rows [tokens, input, or half of it of NER_POOL_FIRST_LAST]; out [spans.count, output].
  void run_spans(const float *rows, size_t tokens, const Spans &spans, float *out);

  // Columns of rows on the device: rounded, with zeros beyond the input. Only with layers.
  size_t padded_input() const { return layers_.front().padded_input(); }

  // What lies between the layers, for up to `row_count` rows; only with layers.
  struct Between {
    DeviceBuffer<__nv_bfloat16> hidden[2];  // rows of every other layer
    DeviceBuffer<float> product;            // of cuBLAS
  };
  Between between(size_t row_count) const;
  // As many rows as buffers have to have for `row_count`: cuBLAS always gets whole blocks.
  size_t padded_rows(size_t row_count) const;

  // The layers and the L2 step, queued in the device's stream. rows [padded_rows(row_count), padded_input()], of which the
  // first row_count count; out [row_count, output()]. Only with layers.
  void run_on_device(const __nv_bfloat16 *rows, size_t row_count, const Between &between, float *out) const;

 private:
  struct Layer : LinearLayer {
    DeviceBuffer<__nv_bfloat16> weight_memory;
    DeviceBuffer<float> bias_memory;
    bool by_blas = false;
  };

  Layer upload(const ner_linear_layer &layer, size_t input) const;
  void multiply_by_blas(const Layer &layer, const __nv_bfloat16 *rows, size_t row_count, float *product) const;
  bool blas_keeps_rows_apart(const Layer &layer) const;
  size_t rows_of_a_chunk(size_t row_count) const;

  Device &device_;
  size_t input_;
  size_t output_;
  std::vector<Layer> layers_;
};

}  // namespace ner_retriever::cuda
