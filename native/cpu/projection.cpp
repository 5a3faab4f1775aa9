#include "ner_retriever/projection.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "aligned_floats.h"
#include "kernels.h"
#include "last_error.h"

namespace {

using namespace ner_retriever;

// Rows that go through all layers together: their packed inputs stay in the second-level cache.
constexpr size_t block_tiles = 8;
// Depth that the micro-kernel runs at a time: a panel of weights of this depth stays in the first-level cache.
constexpr size_t depth_block = 256;

constexpr size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// A linear layer made ready for the micro-kernel. Weights [output, input] become panels of tile_columns outputs, each
// [input, tile_columns], so that the kernel reads them as they lie. Outputs beyond the last are zero.
struct PackedLayer {
  size_t input;
  size_t output;
  size_t padded_output;
  AlignedFloats panels;
  AlignedFloats bias;

  PackedLayer(const ner_linear_layer &layer, size_t input_dimensions, size_t columns)
      : input(input_dimensions),
        output(layer.output),
        padded_output(round_up(layer.output, columns)),
        panels(make_aligned_floats(padded_output * input)),
        bias(make_aligned_floats(padded_output)) {
    for (size_t out = 0; out < padded_output; ++out) {
      float *panel = panels.get() + out / columns * columns * input + out % columns;
      for (size_t in = 0; in < input; ++in)
        panel[in * columns] = out < output ? layer.weight[out * input + in] : 0.0f;
      bias[out] = out < output ? layer.bias[out] : 0.0f;
    }
  }

  size_t bytes() const { return (padded_output * input + padded_output) * sizeof(float); }
};

// rows [row_count, columns] with `stride` -> tiles of tile_rows rows, each [columns, tile_rows]; missing rows are zero.
void pack_rows(const float *rows, size_t row_count, size_t columns, size_t stride, size_t tile_rows, float *packed) {
  for (size_t first = 0; first < row_count; first += tile_rows, packed += columns * tile_rows)
    for (size_t row = 0; row < tile_rows; ++row) {
      const bool there = first + row < row_count;
      const float *from = rows + (there ? first + row : 0) * stride;
      float *to = packed + row;
      for (size_t column = 0; column < columns; ++column) to[column * tile_rows] = there ? from[column] : 0.0f;
    }
}

// packed tiles of `tiles` * tile_rows rows, times the layer, plus its bias -> result, rows padded_output apart.
void multiply(const Kernels &kernels, const PackedLayer &layer, const float *packed, size_t tiles, float *result) {
  const size_t rows = kernels.tile_rows;
  const size_t columns = kernels.tile_columns;
  const size_t stride = layer.padded_output;
  for (size_t row = 0; row < tiles * rows; ++row)
    std::memcpy(result + row * stride, layer.bias.get(), stride * sizeof(float));

  for (size_t depth = 0; depth < layer.input; depth += depth_block) {
    const size_t steps = std::min(depth_block, layer.input - depth);
    for (size_t column = 0; column < stride; column += columns) {
      const float *panel = layer.panels.get() + column * layer.input + depth * columns;
      for (size_t tile = 0; tile < tiles; ++tile)
        kernels.matmul_tile(packed + (tile * layer.input + depth) * rows, panel, steps,
                            result + tile * rows * stride + column, stride);
    }
  }
}

}  // namespace

struct ner_projection {
  const Kernels *kernels;
  size_t input;
  size_t output;
  std::vector<PackedLayer> layers;
};

ner_status ner_projection_create(ner_instruction_set set, const ner_linear_layer *layers, size_t layer_count,
                                 size_t input_dimensions, ner_projection **projection) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    if (input_dimensions == 0) return fail(NER_INVALID_ARGUMENT, "expected at least 1 input dimension, got 0");

    auto made = std::make_unique<ner_projection>(ner_projection{kernels, input_dimensions, input_dimensions, {}});
    for (size_t i = 0; i < layer_count; ++i) {
      if (layers[i].output == 0)
        return fail(NER_INVALID_ARGUMENT, "layer " + std::to_string(i) + ": expected at least 1 output, got 0");
      made->layers.emplace_back(layers[i], made->output, kernels->tile_columns);
      made->output = layers[i].output;
    }
    *projection = made.release();
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

void ner_projection_destroy(ner_projection *projection) { delete projection; }

size_t ner_projection_input_dimensions(const ner_projection *projection) { return projection->input; }

size_t ner_projection_output_dimensions(const ner_projection *projection) { return projection->output; }

size_t ner_projection_bytes(const ner_projection *projection) {
  size_t bytes = 0;
  for (const PackedLayer &layer : projection->layers) bytes += layer.bytes();
  return bytes;
}

ner_status ner_projection_run(const ner_projection *projection, const float *rows, size_t row_count, float *out) {
  try {
    const Kernels &kernels = *projection->kernels;
    if (projection->layers.empty()) {
      for (size_t row = 0; row < row_count; ++row)
        kernels.normalise(rows + row * projection->input, projection->input, out + row * projection->output);
      return NER_OK;
    }

    size_t widest_input = 0;
    size_t widest_output = 0;
    for (const PackedLayer &layer : projection->layers) {
      widest_input = std::max(widest_input, layer.input);
      widest_output = std::max(widest_output, layer.padded_output);
    }
    const size_t tiles_at_most = std::min(block_tiles, round_up(row_count, kernels.tile_rows) / kernels.tile_rows);
    const size_t block_rows = tiles_at_most * kernels.tile_rows;
    const AlignedFloats packed = make_aligned_floats(block_rows * widest_input);
    const AlignedFloats result = make_aligned_floats(block_rows * widest_output);

    for (size_t first = 0; first < row_count; first += block_rows) {
      const size_t count = std::min(block_rows, row_count - first);
      const size_t tiles = round_up(count, kernels.tile_rows) / kernels.tile_rows;
      const float *input = rows + first * projection->input;
      size_t stride = projection->input;
      for (const PackedLayer &layer : projection->layers) {
        if (input == result.get()) kernels.silu(result.get(), count * stride);
        pack_rows(input, count, layer.input, stride, kernels.tile_rows, packed.get());
        multiply(kernels, layer, packed.get(), tiles, result.get());
        input = result.get();
        stride = layer.padded_output;
      }
      for (size_t row = 0; row < count; ++row)
        kernels.normalise(result.get() + row * stride, projection->output, out + (first + row) * projection->output);
    }
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
