#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernel_test.h"
#include "matmul.cuh"
#include "normalise_rows.cuh"
#include "pool_spans.cuh"

// The layers' kernels against the slow one: on small integers, where every order of adding gives the same bits.

using namespace ner_retriever::cuda;

namespace {

// Memory that the kernel has to write: 0xff before.
template <class T>
DeviceBuffer<T> poisoned(size_t size) {
  DeviceBuffer<T> buffer(device().memory(), size);
  check(cudaMemsetAsync(buffer.get(), 0xff, buffer.bytes(), device().stream()), "poisoning");
  return buffer;
}

float as_float(__nv_bfloat16 value) {
  const uint32_t bits = static_cast<uint32_t>(__bfloat16_as_ushort(value)) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

DeviceBuffer<__nv_bfloat16> rounded(const std::vector<float> &rows, size_t columns, size_t padded_columns, size_t padded_rows) {
  const DeviceBuffer<float> from = on_device(rows);
  DeviceBuffer<__nv_bfloat16> to(device().memory(), padded_rows * padded_columns);
  check(cudaMemsetAsync(to.get(), 0, to.bytes(), device().stream()), "clearing");
  round_rows(device().stream(), from.get(), columns, rows.size() / columns, to.get(), padded_columns);
  return to;
}

// A layer, rows for it, and what the slow kernel makes of them.
struct Problem {
  size_t rows;
  LinearLayer layer;
  DeviceBuffer<__nv_bfloat16> weight;
  DeviceBuffer<float> bias;
  DeviceBuffer<__nv_bfloat16> input;
  std::vector<float> plain;  // [rows, output]

  Problem(size_t row_count, size_t depth, size_t output) : rows(row_count), layer{nullptr, nullptr, depth, output} {
    weight = rounded(random_integers(output * depth, 3), depth, layer.padded_input(), layer.padded_output());
    std::vector<float> all_bias = random_integers(output, 9);
    all_bias.resize(layer.padded_output(), 0.0f);
    bias = on_device(all_bias);
    layer.weight = weight.get();
    layer.bias = bias.get();
    input = rounded(random_integers(rows * depth, 3), depth, layer.padded_input(), rows);
    const DeviceBuffer<float> out = poisoned<float>(rows * output);
    matmul_plain(device().stream(), input.get(), rows, layer, out.get());
    plain = on_host(out);
  }

  std::string name() const {
    return std::to_string(rows) + " rows through " + std::to_string(layer.input) + " -> " + std::to_string(layer.output);
  }
};

// With few multiprocessors a block has many tiles.
MatmulDevice with(int multiprocessors) {
  return {device().stream(), multiprocessors, device().properties().sharedMemPerBlockOptin};
}

void on_problems(const std::vector<size_t> &outputs, void (*check_problem)(const Problem &problem, const MatmulDevice &device)) {
  for (const size_t output : outputs)
    for (int round = 0; round < 3; ++round) {
      const size_t sizes[] = {1, 63, 64, 65, 127, 128, 129, random_size(130, 400)};
      const size_t depths[] = {1, 8, 31, 32, 33, 64, 96, 128, 129, random_size(130, 400)};
      device().run([&] {
        const Problem problem(sizes[random_size(0, 7)], depths[random_size(0, 9)], output);
        check_problem(problem, with(static_cast<int>(random_size(1, 4))));
      });
    }
}

}  // namespace

TEST("the slow kernel is right") {
  device().run([] {
    const Problem problem(5, 33, 7);
    const std::vector<__nv_bfloat16> rows = on_host(problem.input);
    const std::vector<__nv_bfloat16> weight = on_host(problem.weight);
    const std::vector<float> bias = on_host(problem.bias);
    for (size_t row = 0; row < 5; ++row)
      for (size_t column = 0; column < 7; ++column) {
        float sum = bias[column];
        for (size_t i = 0; i < 33; ++i) sum += as_float(rows[row * 64 + i]) * as_float(weight[column * 64 + i]);
        CHECK(problem.plain[row * 7 + column] == sum, std::to_string(row));
      }
  });
}

TEST("tiles add up to what the slow kernel says, bit for bit") {
  on_problems({1, 2, 33, 255, 256, 257, 500, 513, 700}, [](const Problem &problem, const MatmulDevice &on) {
    const DeviceBuffer<float> out = poisoned<float>(problem.rows * problem.layer.output);
    matmul(on, problem.input.get(), problem.rows, problem.layer, out.get());
    CHECK(on_host(out) == problem.plain, problem.name());
  });
}

TEST("SiLU and rounding follow in the same pass") {
  on_problems({1, 33, 250, 256, 500, 512}, [](const Problem &problem, const MatmulDevice &on) {
    const size_t stride = round_up(problem.layer.output, input_step);
    const DeviceBuffer<__nv_bfloat16> out = poisoned<__nv_bfloat16>(problem.rows * stride);
    matmul_silu(on, problem.input.get(), problem.rows, problem.layer, out.get(), stride);
    const std::vector<__nv_bfloat16> found = on_host(out);
    double worst = 0;
    for (size_t row = 0; row < problem.rows; ++row)
      for (size_t column = 0; column < stride; ++column) {
        const double x = column < problem.layer.output
                             ? static_cast<double>(problem.plain[row * problem.layer.output + column])
                             : 0.0;
        const double expected = x / (1 + std::exp(-x));
        const double off = std::fabs(static_cast<double>(as_float(found[row * stride + column])) - expected);
        // Half a place of bfloat16, and what the fast exponential is off by.
        worst = std::fmax(worst, off - std::fabs(expected) * (0x1p-8 + 2e-5));
        CHECK(!std::isnan(off), problem.name());
      }
    CHECK(worst < 1e-30, problem.name() + ", worst " + std::to_string(worst));
  });
}

TEST("the L2 norm follows in the same pass, where a block has all columns") {
  on_problems({1, 3, 33, 256, 257, 500, 512}, [](const Problem &problem, const MatmulDevice &on) {
    CHECK(matmul_normalised_fits(on, problem.layer), problem.name());
    const size_t columns = problem.layer.output;
    const DeviceBuffer<float> out = poisoned<float>(problem.rows * columns);
    matmul_normalised(on, problem.input.get(), problem.rows, problem.layer, out.get());
    const std::vector<float> found = on_host(out);
    double worst = 0;
    for (size_t row = 0; row < problem.rows; ++row) {
      double squares = 0;
      for (size_t i = 0; i < columns; ++i) squares += std::pow(static_cast<double>(problem.plain[row * columns + i]), 2);
      for (size_t i = 0; i < columns; ++i) {
        const double expected =
            squares > 0 ? static_cast<double>(problem.plain[row * columns + i]) / std::sqrt(squares) : 0.0;
        worst = std::fmax(worst, std::fabs(static_cast<double>(found[row * columns + i]) - expected));
        CHECK(!std::isnan(found[row * columns + i]), problem.name());
      }
    }
    CHECK(worst < 1e-6, problem.name() + ", worst " + std::to_string(worst * 1e6) + "e-6");
  });
  const LinearLayer wide = {nullptr, nullptr, 8, 513};
  CHECK(!matmul_normalised_fits(with(1), wide), "513 columns");
}

TEST("a zero row stays zero, NaN fills its row, and no power of two changes a row's direction") {
  device().run([] {
    for (const size_t output : {size_t{40}, size_t{400}}) {
      const size_t depth = 32;
      LinearLayer layer = {nullptr, nullptr, depth, output};
      const DeviceBuffer<__nv_bfloat16> weight = rounded(random_integers(output * depth, 3), depth, depth, layer.padded_output());
      const DeviceBuffer<float> bias = on_device(std::vector<float>(layer.padded_output(), 0.0f));
      layer.weight = weight.get();
      layer.bias = bias.get();
      std::vector<float> row = random_integers(depth, 3);
      row[0] = 1.0f;
      std::vector<float> rows;
      for (const float scale : {1.0f, 0.0f, 0x1p100f, 0x1p-100f, 0x1p-120f, std::nanf("")})
        for (const float value : row) rows.push_back(value * scale);
      const DeviceBuffer<__nv_bfloat16> input = rounded(rows, depth, depth, 6);
      const DeviceBuffer<float> out = poisoned<float>(6 * output);
      matmul_normalised(with(2), input.get(), 6, layer, out.get());
      const std::vector<float> found = on_host(out);
      for (size_t i = 0; i < output; ++i) {
        CHECK(found[output + i] == 0.0f && std::isnan(found[5 * output + i]), std::to_string(i));
        for (const size_t scaled : {size_t{2}, size_t{3}, size_t{4}})
          CHECK(found[scaled * output + i] == found[i], std::to_string(scaled));
      }
    }
  });
}

int main() { return run_all_on_a_device(); }
