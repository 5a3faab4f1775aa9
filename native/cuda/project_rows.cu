#include "project_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "fitting_rows.h"
#include "matmul.cuh"
#include "normalise_rows.cuh"
#include "pool_spans.cuh"
#include "run_in_chunks.h"
#include "silu_rows.cuh"
#include "span_slots.h"

// A projection from the host's memory and back is bound by the way there: 1 M rows of 1,024 float32 are 4.1e9 bytes, 75 ms
// at the 55 GB/s or so of PCIe 5, where the layers take a few ms. So rows go up once, in chunks whose way up, work and way
// down overlap. (They go as they are. To round them on their way into the staging buffers would halve the bytes.)
//
// Who multiplies: matmul.cu, or cuBLAS and a second kernel for what follows. For 8,192 rows through 1024 -> 500 -> 500:
//   matmul.cu  1.25e10 operations at about 400e12 (mma.sync)                                               31 microseconds
//   cuBLAS     1.25e10 at about 700e12, and 2 * 8192 * 512 * 8 bytes of products written and read,
//              at the second-level cache's 5.5 TB/s, and 2 more launches of about 2                        18 + 12 + 4 = 34
// They are even there, and matmul.cu gives the same bits wherever it runs. cuBLAS is ahead where sums are long, so it is
// taken for those (blas.cu: from where on), and for all where it was asked for by its path.
//
// A row's bits must not depend on its place. matmul.cu goes through each element's products in the same order, always.
// cuBLAS promises nothing of the kind: its choice of kernel depends on the number of rows, and a kernel may cut the sums of
// some tiles differently. So it always gets blocks of the same size, and before it is trusted with a layer, a block of equal
// rows has to come out equal.

namespace ner_retriever::cuda {

namespace {

constexpr size_t blas_block_rows = 8192;

MatmulDevice matmul_device(const Device &device) {
  return {device.stream(), device.properties().multiProcessorCount, device.properties().sharedMemPerBlockOptin};
}

// Random enough that sums cut elsewhere come out otherwise. A product of two bfloat16 has 16 binary places, and a few dozen of
// about one size add up in float32 without any rounding, in whatever order; so these are of many sizes.
std::vector<float> uneven_row(size_t columns) {
  std::vector<float> row(columns);
  uint32_t state = 1;
  for (float &value : row) {
    state = state * 1664525u + 1013904223u;
    value = std::ldexp(static_cast<float>(static_cast<int32_t>(state)), -31 - static_cast<int>(state >> 8 & 15u));
  }
  return row;
}

}  // namespace

Projection::Projection(Device &device, const ner_linear_layer *layers, size_t layer_count, size_t input_dimensions)
    : device_(device), input_(input_dimensions), output_(input_dimensions) {
  if (input_dimensions == 0) throw Failure(NER_INVALID_ARGUMENT, "expected at least 1 input dimension, got 0");
  for (size_t i = 0; i < layer_count; ++i) {
    if (layers[i].output == 0)
      throw Failure(NER_INVALID_ARGUMENT, "layer " + std::to_string(i) + ": expected at least 1 output, got 0");
    layers_.push_back(upload(layers[i], output_));
    output_ = layers[i].output;
  }
  for (Layer &layer : layers_) layer.by_blas = device.blas().takes(layer.padded_input()) && blas_keeps_rows_apart(layer);
}

Projection::Layer Projection::upload(const ner_linear_layer &from, size_t input) const {
  const cudaStream_t stream = device_.stream();
  Layer layer;
  layer.input = input;
  layer.output = from.output;
  layer.weight_memory = DeviceBuffer<__nv_bfloat16>(device_.memory(), layer.padded_output() * layer.padded_input());
  layer.bias_memory = DeviceBuffer<float>(device_.memory(), layer.padded_output());
  layer.weight = layer.weight_memory.get();
  layer.bias = layer.bias_memory.get();
  check(cudaMemsetAsync(layer.weight_memory.get(), 0, layer.weight_memory.bytes(), stream), "clearing a layer");
  check(cudaMemsetAsync(layer.bias_memory.get(), 0, layer.bias_memory.bytes(), stream), "clearing a layer");
  device_.staging().upload(from.bias, from.output * sizeof(float), layer.bias_memory.get(), stream);

  const size_t at_a_time = std::min(rows_at_a_time(device_, input), from.output);
  const auto piece = allocate_fitting_rows(
      at_a_time, [&](size_t rows) { return DeviceBuffer<float>(device_.memory(), rows * input); });
  const size_t piece_rows = piece.size() / input;
  for (size_t row = 0; row < from.output; row += piece_rows) {
    const size_t count = std::min(piece_rows, from.output - row);
    device_.staging().upload(from.weight + row * input, count * input * sizeof(float), piece.get(), stream);
    round_rows(stream, piece.get(), input, count, layer.weight_memory.get() + row * layer.padded_input(),
               layer.padded_input());
  }
  return layer;
}

size_t Projection::padded_rows(size_t row_count) const {
  const bool blas = std::any_of(layers_.begin(), layers_.end(), [](const Layer &layer) { return layer.by_blas; });
  return blas ? round_up(row_count, blas_block_rows) : row_count;
}

Projection::Between Projection::between(size_t row_count) const {
  const size_t rows = padded_rows(row_count);
  Between made;
  for (size_t i = 0; i < layers_.size(); ++i) {
    DeviceBuffer<__nv_bfloat16> &hidden = made.hidden[i % 2];
    const size_t hidden_size = i + 1 < layers_.size() ? rows * layers_[i + 1].padded_input() : 0;
    if (hidden.size() < hidden_size) hidden = DeviceBuffer<__nv_bfloat16>(device_.memory(), hidden_size);
    const size_t product_size = layers_[i].by_blas ? rows * layers_[i].padded_output() : 0;
    if (made.product.size() < product_size) made.product = DeviceBuffer<float>(device_.memory(), product_size);
  }
  return made;
}

void Projection::run_on_device(const __nv_bfloat16 *rows, size_t row_count, const Between &between, float *out) const {
  const MatmulDevice device = matmul_device(device_);
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    const Layer &layer = layers_[i];
    const size_t stride = layers_[i + 1].padded_input();
    __nv_bfloat16 *hidden = between.hidden[i % 2].get();
    if (layer.by_blas) {
      multiply_by_blas(layer, rows, row_count, between.product.get());
      silu_rows(device.stream, between.product.get(), row_count, layer, hidden, stride);
    } else {
      matmul_silu(device, rows, row_count, layer, hidden, stride);
    }
    rows = hidden;
  }
  const Layer &last = layers_.back();
  if (last.by_blas) {
    multiply_by_blas(last, rows, row_count, between.product.get());
    normalise_rows(device.stream, between.product.get(), row_count, last.output, last.padded_output(), last.bias, out);
  } else if (matmul_normalised_fits(device, last)) {
    matmul_normalised(device, rows, row_count, last, out);
  } else {
    matmul(device, rows, row_count, last, out);
    normalise_rows(device.stream, out, row_count, last.output, last.output, nullptr, out);
  }
}

// product [padded_rows(row_count), padded output]. Rows beyond row_count are multiplied too, whatever lies there.
void Projection::multiply_by_blas(const Layer &layer, const __nv_bfloat16 *rows, size_t row_count, float *product) const {
  for (size_t row = 0; row < row_count; row += blas_block_rows)
    device_.blas().multiply(rows + row * layer.padded_input(), blas_block_rows, layer.padded_input(), layer.weight,
                            layer.padded_output(), product + row * layer.padded_output());
}

// Whether a block of equal rows comes out equal. Not where cuBLAS cannot be used on this device, or there is no room for it.
bool Projection::blas_keeps_rows_apart(const Layer &layer) const {
  try {
    const cudaStream_t stream = device_.stream();
    const DeviceBuffer<float> row(device_.memory(), layer.input);
    const DeviceBuffer<int2> ranges(device_.memory(), blas_block_rows);
    const DeviceBuffer<__nv_bfloat16> rows(device_.memory(), blas_block_rows * layer.padded_input());
    const DeviceBuffer<float> product(device_.memory(), blas_block_rows * layer.padded_output());
    device_.staging().upload(uneven_row(layer.input).data(), row.bytes(), row.get(), stream);
    const std::vector<int2> first_row(blas_block_rows, make_int2(0, 1));
    device_.staging().upload(first_row.data(), ranges.bytes(), ranges.get(), stream);
    pool_spans(stream, row.get(), layer.input, ranges.get(), blas_block_rows, NER_POOL_FIRST, rows.get(),
               layer.padded_input());
    multiply_by_blas(layer, rows.get(), blas_block_rows, product.get());

    std::vector<float> found(product.size());
    device_.staging().download(product.get(), product.bytes(), found.data(), stream);
    const size_t columns = layer.padded_output();
    for (size_t i = 1; i < blas_block_rows; ++i)
      if (std::memcmp(found.data(), found.data() + i * columns, columns * sizeof(float)) != 0) return false;
    return true;
  } catch (const CudaError &error) {
    if (error.status != NER_OUT_OF_MEMORY) throw;
    return false;
  } catch (const Failure &) {
    return false;
  }
}

// A staging buffer's fill, or all there are.
size_t Projection::rows_of_a_chunk(size_t row_count) const {
  return std::min(rows_at_a_time(device_, std::max(input_, output_)), row_count);
}

void Projection::run(const float *rows, size_t row_count, float *out) {
  if (row_count == 0) return;
  struct Buffers {
    size_t rows;
    DeviceBuffer<float> input[2];
    DeviceBuffer<float> output[2];
    DeviceBuffer<__nv_bfloat16> rounded;
    Between between;
  };
  const auto buffers = allocate_fitting_rows(rows_of_a_chunk(row_count), [&](size_t count) {
    Buffers made;
    made.rows = count;
    for (size_t slot = 0; slot < 2; ++slot) {
      made.input[slot] = DeviceBuffer<float>(device_.memory(), count * input_);
      made.output[slot] = DeviceBuffer<float>(device_.memory(), count * output_);
    }
    if (!layers_.empty()) {
      made.rounded = DeviceBuffer<__nv_bfloat16>(device_.memory(), padded_rows(count) * padded_input());
      made.between = between(count);
    }
    return made;
  });

  size_t next = 0;
  size_t first[2] = {};
  size_t count[2] = {};
  run_in_chunks(
      device_,
      [&](size_t slot) {
        first[slot] = next;
        count[slot] = std::min(buffers.rows, row_count - next);
        next += count[slot];
        if (count[slot] == 0) return false;
        device_.staging().upload(rows + first[slot] * input_, count[slot] * input_ * sizeof(float), buffers.input[slot].get(),
                                 device_.copy_stream());
        return true;
      },
      [&](size_t slot) {
        const float *input = buffers.input[slot].get();
        float *output = buffers.output[slot].get();
        if (layers_.empty()) {
          normalise_rows(device_.stream(), input, count[slot], input_, input_, nullptr, output);
          return;
        }
        round_rows(device_.stream(), input, input_, count[slot], buffers.rounded.get(), padded_input());
        run_on_device(buffers.rounded.get(), count[slot], buffers.between, output);
      },
      [&](size_t slot) {
        device_.staging().download(buffers.output[slot].get(), count[slot] * output_ * sizeof(float),
                                   out + first[slot] * output_, device_.copy_stream());
      });
}

void Projection::run_spans(const float *rows, size_t tokens, const Spans &spans, float *out) {
  if (spans.pooling == NER_POOL_FIRST_LAST && input_ % 2 != 0)
    throw Failure(NER_INVALID_ARGUMENT, "expected a head with an even number of inputs, for a first and a last token, got " +
                                            std::to_string(input_));
  check_spans(spans, tokens);
  if (spans.count == 0) return;

  const size_t dimensions = spans.pooling == NER_POOL_FIRST_LAST ? input_ / 2 : input_;
  struct Buffers {
    SpanSlots spans;
    DeviceBuffer<float> output[2];
    DeviceBuffer<float> pooled;           // without layers
    DeviceBuffer<__nv_bfloat16> rounded;  // with layers
    Between between;
  };
  const auto buffers = allocate_fitting_rows(rows_of_a_chunk(spans.count), [&](size_t count) {
    std::unique_ptr<Buffers> made(new Buffers{{device_, rows, dimensions, spans, count}, {}, {}, {}, {}});
    for (DeviceBuffer<float> &output : made->output) output = DeviceBuffer<float>(device_.memory(), count * output_);
    if (layers_.empty()) {
      made->pooled = DeviceBuffer<float>(device_.memory(), count * input_);
    } else {
      made->rounded = DeviceBuffer<__nv_bfloat16>(device_.memory(), padded_rows(count) * padded_input());
      made->between = between(count);
    }
    return made;
  });

  SpanSlots &slots = buffers->spans;
  run_in_chunks(
      device_, [&](size_t slot) { return slots.upload(slot); },
      [&](size_t slot) {
        const cudaStream_t stream = device_.stream();
        const size_t count = slots.span_count(slot);
        float *output = buffers->output[slot].get();
        if (layers_.empty()) {
          pool_spans(stream, slots.rows(slot), dimensions, slots.ranges(slot), count, spans.pooling, buffers->pooled.get());
          normalise_rows(stream, buffers->pooled.get(), count, input_, input_, nullptr, output);
          return;
        }
        pool_spans(stream, slots.rows(slot), dimensions, slots.ranges(slot), count, spans.pooling, buffers->rounded.get(),
                   padded_input());
        run_on_device(buffers->rounded.get(), count, buffers->between, output);
      },
      [&](size_t slot) {
        device_.staging().download(buffers->output[slot].get(), slots.span_count(slot) * output_ * sizeof(float),
                                   out + slots.first_span(slot) * output_, device_.copy_stream());
      });
}

}  // namespace ner_retriever::cuda
