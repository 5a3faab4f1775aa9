#include "ner_retriever/projection.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "harness.h"

namespace {

struct Layer {
  std::vector<float> weight;
  std::vector<float> bias;
};

using Projection = std::unique_ptr<ner_projection, decltype(&ner_projection_destroy)>;

Projection create(ner_instruction_set set, const std::vector<Layer> &layers, size_t input) {
  std::vector<ner_linear_layer> native;
  for (const Layer &layer : layers) native.push_back({layer.weight.data(), layer.bias.data(), layer.bias.size()});
  ner_projection *made = nullptr;
  CHECK(ner_projection_create(set, native.data(), native.size(), input, &made) == NER_OK, ner_last_error());
  return Projection(made, ner_projection_destroy);
}

std::vector<float> run(const Projection &projection, const std::vector<float> &rows) {
  const size_t count = rows.size() / ner_projection_input_dimensions(projection.get());
  // Poisoned, so that an element that is not written is seen.
  std::vector<float> out(count * ner_projection_output_dimensions(projection.get()), 1e30f);
  CHECK(ner_projection_run(projection.get(), rows.data(), count, out.data()) == NER_OK, ner_last_error());
  return out;
}

std::vector<Layer> random_layers(const std::vector<size_t> &widths) {
  std::vector<Layer> layers;
  for (size_t i = 1; i < widths.size(); ++i)
    layers.push_back({random_floats(widths[i] * widths[i - 1], 1.0f / std::sqrt(static_cast<float>(widths[i - 1]))),
                      random_floats(widths[i], 0.1f)});
  return layers;
}

// One row in float64; `norm` is what the L2 step divided by.
std::vector<double> reference(const std::vector<Layer> &layers, const float *row, size_t input, double *norm) {
  std::vector<double> values(row, row + input);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (i > 0)
      for (double &value : values) value = value / (1 + std::exp(-value));
    std::vector<double> next(layers[i].bias.begin(), layers[i].bias.end());
    for (size_t out = 0; out < next.size(); ++out)
      for (size_t in = 0; in < values.size(); ++in)
        next[out] += static_cast<double>(layers[i].weight[out * values.size() + in]) * values[in];
    values = next;
  }
  double squares = 0;
  for (const double value : values) squares += value * value;
  *norm = std::sqrt(squares);
  if (squares > 0)
    for (double &value : values) value /= *norm;
  return values;
}

std::string describe(ner_instruction_set set, const std::vector<size_t> &widths, size_t rows) {
  std::string text = std::string(ner_instruction_set_name(set)) + ", " + std::to_string(rows) + " rows through";
  for (const size_t width : widths) text += " " + std::to_string(width);
  return text;
}

}  // namespace

TEST("heads of random shapes agree with float64") {
  std::vector<std::vector<size_t>> shapes = {{1},          {1, 1},      {1, 1, 1},     {2, 3},         {17},
                                             {500},        {16, 32, 8}, {33, 31, 47},  {256, 500, 500}, {300, 1, 300},
                                             {257, 64, 3}, {8, 9, 10, 11, 12}, {1024, 500, 500}};
  for (int i = 0; i < 12; ++i) shapes.push_back({random_size(1, 600), random_size(1, 120), random_size(1, 120)});
  for (const std::vector<size_t> &widths : shapes) {
    const std::vector<Layer> layers = random_layers(widths);
    for (const size_t count : {size_t{0}, size_t{1}, size_t{13}, random_size(2, 220)}) {
      const std::vector<float> rows = random_floats(count * widths.front());
      for (const ner_instruction_set set : available_sets()) {
        const std::vector<float> out = run(create(set, layers, widths.front()), rows);
        CHECK(out.size() == count * widths.back(), describe(set, widths, count));
        double worst = 0;
        for (size_t row = 0; row < count; ++row) {
          double norm;
          const std::vector<double> expected =
              reference(layers, rows.data() + row * widths.front(), widths.front(), &norm);
          // Values before the L2 step are about 1 and have their rounding errors; a row whose values nearly cancel has a
          // small norm, and dividing by it makes the errors as much larger.
          for (size_t column = 0; column < expected.size(); ++column)
            worst = std::fmax(worst, std::fmin(norm, 1.0) *
                                         std::fabs(static_cast<double>(out[row * widths.back() + column]) -
                                                   expected[column]));
        }
        CHECK(worst < 5e-6, describe(set, widths, count) + ", worst " + std::to_string(worst * 1e6) + "e-6");
      }
    }
  }
}

TEST("a row's bits do not depend on its neighbours") {
  const std::vector<Layer> layers = random_layers({300, 70, 50});
  const std::vector<float> rows = random_floats(230 * 300);
  for (const ner_instruction_set set : available_sets()) {
    const Projection projection = create(set, layers, 300);
    const std::vector<float> together = run(projection, rows);
    for (size_t row = 0; row < 230; ++row) {
      const std::vector<float> alone =
          run(projection, std::vector<float>(rows.begin() + static_cast<std::ptrdiff_t>(row * 300),
                                             rows.begin() + static_cast<std::ptrdiff_t>(row * 300 + 300)));
      CHECK(std::memcmp(alone.data(), together.data() + row * 50, 50 * sizeof(float)) == 0,
            describe(set, {300, 70, 50}, row));
    }
  }
}

TEST("zero rows stay zero, NaN rows are NaN throughout, tiny and huge rows become unit rows") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rows(5 * 19, 0.0f);
  rows[19 + 7] = nan;
  for (size_t i = 0; i < 19; ++i) rows[2 * 19 + i] = 1e-38f, rows[3 * 19 + i] = -3e38f, rows[4 * 19 + i] = 2.0f;
  for (const ner_instruction_set set : available_sets()) {
    const std::vector<float> out = run(create(set, {}, 19), rows);
    for (size_t i = 0; i < 19; ++i) {
      const auto unit = 1.0f / std::sqrt(19.0f);
      CHECK(out[i] == 0.0f && std::isnan(out[19 + i]), ner_instruction_set_name(set));
      CHECK(std::fabs(out[2 * 19 + i] - unit) < 1e-6f && std::fabs(out[3 * 19 + i] + unit) < 1e-6f,
            ner_instruction_set_name(set));
    }
    const std::vector<float> projected = run(create(set, random_layers({19, 40, 21}), 19), rows);
    for (size_t i = 0; i < 21; ++i) CHECK(std::isnan(projected[21 + i]), ner_instruction_set_name(set));
    CHECK(!std::isnan(projected[0]) && !std::isnan(projected[4 * 21]), "the neighbours of NaN are well");
  }
}

TEST("SiLU is right from one end to the other") {
  // One row, one hidden unit that is the input itself, and a bias beside it that keeps the norm away from 0.
  for (const ner_instruction_set set : available_sets())
    for (const float x : {0.0f, 1e-20f, -1e-3f, 0.3f, -0.6931f, 5.5f, -12.0f, 30.0f, -87.0f, 88.0f, -90.0f, -104.0f,
                          -1e30f, 1e15f, -std::numeric_limits<float>::max()}) {
      const std::vector<Layer> layers = {{{1.0f}, {0.0f}}, {{1.0f, 0.0f}, {0.0f, 1.0f}}};
      const std::vector<float> out = run(create(set, layers, 1), {x});
      double norm;
      const std::vector<double> expected = reference(layers, &x, 1, &norm);
      for (size_t i = 0; i < 2; ++i)
        CHECK(std::fabs(static_cast<double>(out[i]) - expected[i]) <= 4e-7 * std::fabs(expected[i]) + 1e-37,
              std::string(ner_instruction_set_name(set)) + ", x = " + std::to_string(x));
    }
}

TEST("shapes that cannot be are refused") {
  ner_projection *made = nullptr;
  const ner_linear_layer empty = {nullptr, nullptr, 0};
  CHECK(ner_projection_create(NER_SCALAR, nullptr, 0, 0, &made) == NER_INVALID_ARGUMENT, "no input");
  CHECK(ner_projection_create(NER_SCALAR, &empty, 1, 4, &made) == NER_INVALID_ARGUMENT, "no output");
  CHECK(made == nullptr, "nothing was made");
}

int main() { return run_all(); }
