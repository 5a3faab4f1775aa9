#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "harness.h"
#include "ner_retriever/training.h"

// Random batches to learn from, and what their losses and gradients are in float64: for every backend that trains.

struct Problem {
  ner_trainer_options options;
  std::vector<float> parameters;
  std::vector<float> table;
  std::vector<int32_t> rows, anchors, positives, negatives;
  std::vector<uint8_t> contrast;
  ner_loss_options loss;

  ner_training_batch batch() const {
    return {table.data(),     table.size() / options.input, rows.data(),
            rows.size(),      anchors.data(),               positives.data(),
            anchors.size(),   negatives.data(),             negatives.size() / anchors.size(),
            contrast.empty() ? nullptr : contrast.data()};
  }
};

inline std::vector<int32_t> random_places(size_t count, size_t limit) {
  std::vector<int32_t> places(count);
  for (int32_t &place : places) place = static_cast<int32_t>(random_size(0, limit - 1));
  return places;
}

inline Problem random_problem(ner_loss loss, bool gate, float dropout, bool contrast, size_t negatives, size_t largest = 40) {
  Problem made;
  made.options = {random_size(2, largest), random_size(2, largest), random_size(2, largest), gate ? 1 : 0, dropout,
                  random_size(0, 1000000)};
  made.parameters = random_floats(ner_trainer_parameter_count(&made.options), 0.4f);
  made.table = random_floats(30 * made.options.input);
  made.rows = random_places(random_size(3, 25), 30);
  const size_t examples = random_size(1, 12);
  made.anchors = random_places(examples, made.rows.size());
  made.positives = random_places(examples, made.rows.size());
  made.negatives = random_places(examples * negatives, made.rows.size());
  if (contrast) {
    made.contrast.resize(examples * examples);
    for (uint8_t &each : made.contrast) each = random_size(0, 3) > 0 ? 1 : 0;
  }
  made.loss = {loss, 0.5f, 0.3f};
  return made;
}

inline uint32_t scramble(uint32_t bits) {
  bits ^= bits >> 16;
  bits *= 0x7feb352du;
  bits ^= bits >> 15;
  bits *= 0x846ca68bu;
  return bits ^ (bits >> 16);
}

// The loss in float64, written as the header says it.
inline double reference_loss(const Problem &problem, const std::vector<double> &parameters, uint64_t steps = 0) {
  const ner_trainer_options &shape = problem.options;
  const double *gate = parameters.data();
  const double *weight_1 = gate + (shape.gate != 0 ? shape.input : 0), *bias_1 = weight_1 + shape.hidden * shape.input;
  const double *weight_2 = bias_1 + shape.hidden, *bias_2 = weight_2 + shape.output * shape.hidden;
  const uint64_t key = shape.seed * 0x9e3779b97f4a7c15u + steps * 0xd1b54a32d192ed03u;

  std::vector<std::vector<double>> units;
  for (size_t row = 0; row < problem.rows.size(); ++row) {
    const float *from = problem.table.data() + static_cast<size_t>(problem.rows[row]) * shape.input;
    std::vector<double> input(from, from + shape.input), hidden(bias_1, bias_1 + shape.hidden),
        output(bias_2, bias_2 + shape.output);
    if (shape.gate != 0)
      for (size_t i = 0; i < shape.input; ++i) input[i] /= 1 + std::exp(-gate[i]);
    for (size_t unit = 0; unit < shape.hidden; ++unit) {
      for (size_t i = 0; i < shape.input; ++i) hidden[unit] += weight_1[unit * shape.input + i] * input[i];
      hidden[unit] /= 1 + std::exp(-hidden[unit]);
      const auto place = static_cast<uint32_t>(row * shape.hidden + unit);
      const uint32_t hash = scramble(scramble(place + static_cast<uint32_t>(key)) ^ static_cast<uint32_t>(key >> 32));
      if (shape.dropout > 0)
        hidden[unit] *= hash < static_cast<double>(shape.dropout) * 4294967296.0 ? 0 : 1 / (1 - static_cast<double>(shape.dropout));
    }
    double squares = 0;
    for (size_t out = 0; out < shape.output; ++out) {
      for (size_t unit = 0; unit < shape.hidden; ++unit) output[out] += weight_2[out * shape.hidden + unit] * hidden[unit];
      squares += output[out] * output[out];
    }
    for (double &value : output) value /= std::sqrt(squares);
    units.push_back(output);
  }

  const auto cosine = [&](int32_t a, int32_t b) {
    double sum = 0;
    for (size_t i = 0; i < shape.output; ++i) sum += units[static_cast<size_t>(a)][i] * units[static_cast<size_t>(b)][i];
    return sum;
  };
  const size_t examples = problem.anchors.size(), count = problem.negatives.size() / examples;
  double loss = 0;
  for (size_t example = 0; example < examples; ++example) {
    const double near = cosine(problem.anchors[example], problem.positives[example]);
    double sum = std::exp(near / static_cast<double>(problem.loss.temperature));
    for (size_t i = 0; i < count; ++i) {
      const double far = cosine(problem.anchors[example], problem.negatives[example * count + i]);
      if (problem.loss.loss == NER_LOSS_TRIPLET)
        loss += std::fmax(0, static_cast<double>(problem.loss.margin) + far - near) / static_cast<double>(examples * count);
      sum += std::exp(far / static_cast<double>(problem.loss.temperature));
    }
    for (size_t other = 0; other < examples && !problem.contrast.empty(); ++other)
      if (other != example && problem.contrast[example * examples + other] != 0)
        sum += std::exp(cosine(problem.anchors[example], problem.positives[other]) / static_cast<double>(problem.loss.temperature));
    if (problem.loss.loss == NER_LOSS_INFO_NCE)
      loss += (std::log(sum) - near / static_cast<double>(problem.loss.temperature)) / static_cast<double>(examples);
  }
  return loss;
}

// Some of the loss's slopes at the parameters, by differences in float64; each of a gate's.
struct ReferenceSlopes {
  double loss;
  std::vector<size_t> places;
  std::vector<double> slopes;  // NaN where a hinge is too near for one
};

inline ReferenceSlopes reference_slopes(const Problem &problem) {
  const std::vector<double> exact(problem.parameters.begin(), problem.parameters.end());
  ReferenceSlopes made = {reference_loss(problem, exact), {}, {}};
  for (int i = 0; i < 60; ++i) made.places.push_back(random_size(0, exact.size() - 1));
  if (problem.options.gate != 0)
    for (size_t i = 0; i < problem.options.input; ++i) made.places.push_back(i);
  for (const size_t place : made.places) {
    const auto at = [&](double shift) {
      std::vector<double> moved = exact;
      moved[place] += shift;
      return reference_loss(problem, moved);
    };
    constexpr double step = 1e-5;
    const double coarse = (at(step) - at(-step)) / (2 * step), fine = (at(step / 4) - at(-step / 4)) / (step / 2);
    // A hinge within the step has no slope there.
    made.slopes.push_back(std::fabs(coarse - fine) < 1e-6 ? fine : std::numeric_limits<double>::quiet_NaN());
  }
  return made;
}

inline void check_slopes(const ReferenceSlopes &expected, double loss, const std::vector<float> &gradients,
                         const std::string &where) {
  CHECK(std::fabs(loss - expected.loss) < 1e-5, where + ", loss");
  for (size_t i = 0; i < expected.places.size(); ++i) {
    const size_t place = expected.places[i];
    const double difference = std::fabs(static_cast<double>(gradients[place]) - expected.slopes[i]);
    CHECK(!(difference > 1e-4), where + ", parameter " + std::to_string(place) + ": " +
                                    std::to_string(gradients[place]) + " for " + std::to_string(expected.slopes[i]));
  }
}

inline bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
