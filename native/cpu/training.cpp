#include "ner_retriever/training.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "aligned_floats.h"
#include "kernels.h"
#include "last_error.h"
#include "matmul.h"
#include "thread_team.h"
#include "training_rules.h"

namespace {

using namespace ner_retriever;

// Elements below which more threads cost more than they bring.
constexpr size_t elements_a_thread = 16384;

// A place for results of one size or another: it grows and is used again.
class Values {
 public:
  float *of_size(size_t count) {
    if (count > capacity_) {
      memory_ = make_aligned_floats(count);
      capacity_ = count;
    }
    return memory_.get();
  }
  float *zeros(size_t count) {
    float *values = of_size(count);
    std::fill(values, values + count, 0.0f);
    return values;
  }
  float *get() const { return memory_.get(); }

 private:
  AlignedFloats memory_;
  size_t capacity_ = 0;
};

// Work(begin, end) over [0, count) units of `size` elements each, on as many threads as they are worth.
template <class Work>
void in_parts(ThreadTeam &team, size_t count, size_t size, const Work &work) {
  team.share(count, std::max<size_t>(1, count * size / elements_a_thread), work);
}

double dot(const float *a, const float *b, size_t count) {
  constexpr size_t lanes = 8;
  double sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  for (; i < count; ++i) sums[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  double sum = 0;
  for (const double each : sums) sum += each;
  return sum;
}

void add_scaled(float *to, float factor, const float *values, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] += factor * values[i];
}

void repeat_row(const float *row, size_t columns, size_t rows, float *out) {
  for (size_t i = 0; i < rows; ++i) std::memcpy(out + i * columns, row, columns * sizeof(float));
}

// rows [count, columns] -> their sum [columns].
void sum_rows(const float *rows, size_t count, size_t columns, float *sum) {
  std::fill(sum, sum + columns, 0.0f);
  for (size_t row = 0; row < count; ++row) add_scaled(sum, 1.0f, rows + row * columns, columns);
}

}  // namespace

struct ner_trainer {
  const Kernels &kernels;
  const ner_blas *blas;
  const ner_trainer_options shape;
  const ParameterLayout layout;
  uint64_t steps;
  AlignedFloats parameters, first_moments, second_moments, gradients;

  ner_trainer(const Kernels &chosen, const ner_blas *chosen_blas, const ner_trainer_options &options, uint64_t steps_before)
      : kernels(chosen),
        blas(chosen_blas),
        shape(options),
        layout(options),
        steps(steps_before),
        parameters(make_aligned_floats(layout.count)),
        first_moments(make_aligned_floats(layout.count)),
        second_moments(make_aligned_floats(layout.count)),
        gradients(make_aligned_floats(layout.count)) {}

  // The loss of a batch; its gradients are in `gradients` afterwards.
  double learn(const ner_training_batch &batch, const ner_loss_options &loss, ThreadTeam &team) {
    const size_t rows = batch.row_count;
    forward(batch, team);
    unit_gradients_.zeros(rows * shape.output);
    const double value = loss.loss == NER_LOSS_TRIPLET ? triplet(batch, static_cast<double>(loss.margin))
                                                       : info_nce(batch, static_cast<double>(loss.temperature), team);
    backward(rows, team);
    return value;
  }

  // The length of the gradient before it was clipped.
  double update(const ner_update_options &options, ThreadTeam &team) {
    ++steps;
    const double norm = std::sqrt(dot(gradients.get(), gradients.get(), layout.count));
    const auto limit = static_cast<double>(options.maximum_gradient_norm);
    const auto rate = static_cast<double>(options.learning_rate);
    const auto done = static_cast<double>(steps);
    const AdamwStep step = {
        static_cast<float>(limit > 0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0),
        static_cast<float>(1.0 - rate * static_cast<double>(options.weight_decay)),
        static_cast<float>(rate / (1.0 - std::pow(0.9, done))),
        static_cast<float>(std::sqrt(1.0 - std::pow(0.999, done))),
    };
    in_parts(team, layout.count, 4, [&](size_t begin, size_t end) {
      kernels.adamw(step, gradients.get() + begin, parameters.get() + begin, first_moments.get() + begin,
                    second_moments.get() + begin, end - begin);
    });
    return norm;
  }

 private:
  Values input_;            // [rows, input]
  Values gate_sigmoid_;     // [input]
  Values gated_weight_;     // [hidden, input]: weight_1 with the gate's factors in its columns
  Values hidden_;           // [rows, hidden], after SiLU and dropout
  Values slopes_;           // [rows, hidden]: of that by the values before
  Values unit_;             // [rows, output], after L2
  Values norms_;            // [rows]: what L2 divided by
  Values unit_gradients_;   // [rows, output]: of the loss by `unit_`, then by the values before L2
  Values hidden_gradients_; // [rows, hidden]
  Values anchors_, positives_, anchor_gradients_, positive_gradients_; // [examples, output]
  Values scores_;           // [examples, examples + negatives]
  MatmulScratch scratch_;

  void multiply(ThreadTeam &team, size_t rows, size_t columns, size_t depth, Factor a, Factor b, float *sum) {
    matmul(kernels, blas, scratch_, team, rows, columns, depth, a, b, sum);
  }

  // x * sigmoid(gate) through weight_1 is x through weight_1 with its columns times sigmoid(gate): the gate costs no
  // work a row.
  const float *first_weight() {
    const float *weight = parameters.get() + layout.weight_1;
    if (shape.gate == 0) return weight;
    float *sigmoid = gate_sigmoid_.of_size(shape.input);
    for (size_t i = 0; i < shape.input; ++i)
      sigmoid[i] = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(parameters[layout.gate + i]))));
    float *gated = gated_weight_.of_size(shape.hidden * shape.input);
    for (size_t unit = 0; unit < shape.hidden; ++unit)
      for (size_t i = 0; i < shape.input; ++i)
        gated[unit * shape.input + i] = weight[unit * shape.input + i] * sigmoid[i];
    return gated;
  }

  void forward(const ner_training_batch &batch, ThreadTeam &team) {
    const size_t rows = batch.row_count;
    float *input = input_.of_size(rows * shape.input);
    in_parts(team, rows, shape.input, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row)
        std::memcpy(input + row * shape.input, batch.table + static_cast<size_t>(batch.rows[row]) * shape.input,
                    shape.input * sizeof(float));
    });

    float *hidden = hidden_.of_size(rows * shape.hidden);
    repeat_row(parameters.get() + layout.bias_1, shape.hidden, rows, hidden);
    multiply(team, rows, shape.hidden, shape.input, {input, shape.input, false}, {first_weight(), shape.input, true},
             hidden);

    float *slopes = slopes_.of_size(rows * shape.hidden);
    const uint64_t key = dropout_key(shape.seed, steps);
    in_parts(team, rows * shape.hidden, 4, [&](size_t begin, size_t end) {
      if (shape.dropout > 0)
        kernels.dropout_factors(key, begin, shape.dropout, slopes + begin, end - begin);
      else
        std::fill(slopes + begin, slopes + end, 1.0f);
      kernels.silu_with_slopes(hidden + begin, slopes + begin, end - begin);
    });

    float *unit = unit_.of_size(rows * shape.output);
    float *norms = norms_.of_size(rows);
    repeat_row(parameters.get() + layout.bias_2, shape.output, rows, unit);
    multiply(team, rows, shape.output, shape.hidden, {hidden, shape.hidden, false},
             {parameters.get() + layout.weight_2, shape.hidden, true}, unit);
    in_parts(team, rows, shape.output, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        float *values = unit + row * shape.output;
        const double norm = std::sqrt(dot(values, values, shape.output));
        norms[row] = static_cast<float>(norm);
        kernels.normalise(values, shape.output, values);
      }
    });
  }

  const float *unit_row(int32_t place) const { return unit_.get() + static_cast<size_t>(place) * shape.output; }
  float *unit_gradient(int32_t place) { return unit_gradients_.get() + static_cast<size_t>(place) * shape.output; }

  double triplet(const ner_training_batch &batch, double margin) {
    const size_t size = shape.output;
    const auto share = 1.0 / static_cast<double>(batch.example_count * batch.negative_count);
    double loss = 0;
    for (size_t example = 0; example < batch.example_count; ++example) {
      const int32_t anchor = batch.anchors[example], positive = batch.positives[example];
      const double near = dot(unit_row(anchor), unit_row(positive), size);
      for (size_t i = 0; i < batch.negative_count; ++i) {
        const int32_t negative = batch.negatives[example * batch.negative_count + i];
        const double violation = margin + dot(unit_row(anchor), unit_row(negative), size) - near;
        // Not below 0, rather than above: what is no number must be seen in the loss.
        if (violation <= 0) continue;
        loss += violation * share;
        const auto factor = static_cast<float>(share);
        add_scaled(unit_gradient(anchor), factor, unit_row(negative), size);
        add_scaled(unit_gradient(anchor), -factor, unit_row(positive), size);
        add_scaled(unit_gradient(positive), -factor, unit_row(anchor), size);
        add_scaled(unit_gradient(negative), factor, unit_row(anchor), size);
      }
    }
    return loss;
  }

  // An example's candidates: its positive, the positives of other examples that `contrast` names, and its own negatives.
  double info_nce(const ner_training_batch &batch, double temperature, ThreadTeam &team) {
    const size_t examples = batch.example_count, size = shape.output;
    float *anchors = anchors_.of_size(examples * size), *positives = positives_.of_size(examples * size);
    for (size_t example = 0; example < examples; ++example) {
      std::memcpy(anchors + example * size, unit_row(batch.anchors[example]), size * sizeof(float));
      std::memcpy(positives + example * size, unit_row(batch.positives[example]), size * sizeof(float));
    }
    // Cosines of every anchor with every positive; they become gradients of the loss by these cosines.
    float *scores = scores_.zeros(examples * examples);
    if (batch.contrast != nullptr)
      multiply(team, examples, examples, size, {anchors, size, false}, {positives, size, true}, scores);
    else
      for (size_t example = 0; example < examples; ++example)
        scores[example * examples + example] =
            static_cast<float>(dot(anchors + example * size, positives + example * size, size));

    const double share = 1.0 / static_cast<double>(examples);
    double loss = 0;
    std::vector<double> negatives(batch.negative_count);
    for (size_t example = 0; example < examples; ++example) {
      float *row = scores + example * examples;
      const float *anchor = anchors + example * size;
      const auto candidate = [&](size_t column) {
        return column == example || (batch.contrast != nullptr && batch.contrast[example * examples + column] != 0);
      };
      const double own = static_cast<double>(row[example]) / temperature;
      double most = own;
      for (size_t column = 0; column < examples; ++column)
        if (candidate(column)) most = std::max(most, static_cast<double>(row[column]) / temperature);
      for (size_t i = 0; i < batch.negative_count; ++i) {
        negatives[i] = dot(anchor, unit_row(batch.negatives[example * batch.negative_count + i]), size) / temperature;
        most = std::max(most, negatives[i]);
      }
      double sum = 0;
      for (size_t column = 0; column < examples; ++column)
        if (candidate(column)) sum += std::exp(static_cast<double>(row[column]) / temperature - most);
      for (const double score : negatives) sum += std::exp(score - most);
      loss += share * (most + std::log(sum) - own);

      const double scale = share / temperature;
      for (size_t column = 0; column < examples; ++column) {
        const double softmax =
            candidate(column) ? std::exp(static_cast<double>(row[column]) / temperature - most) / sum : 0.0;
        row[column] = static_cast<float>(scale * (softmax - (column == example ? 1.0 : 0.0)));
      }
      for (size_t i = 0; i < batch.negative_count; ++i) {
        const int32_t negative = batch.negatives[example * batch.negative_count + i];
        const auto factor = static_cast<float>(scale * std::exp(negatives[i] - most) / sum);
        add_scaled(unit_gradient(batch.anchors[example]), factor, unit_row(negative), size);
        add_scaled(unit_gradient(negative), factor, anchor, size);
      }
    }

    float *anchor_gradients = anchor_gradients_.zeros(examples * size);
    float *positive_gradients = positive_gradients_.zeros(examples * size);
    multiply(team, examples, size, examples, {scores, examples, false}, {positives, size, false}, anchor_gradients);
    multiply(team, examples, size, examples, {scores, examples, true}, {anchors, size, false}, positive_gradients);
    for (size_t example = 0; example < examples; ++example) {
      add_scaled(unit_gradient(batch.anchors[example]), 1.0f, anchor_gradients + example * size, size);
      add_scaled(unit_gradient(batch.positives[example]), 1.0f, positive_gradients + example * size, size);
    }
    return loss;
  }

  void backward(size_t rows, ThreadTeam &team) {
    // Through L2: what points along the row does not change its direction.
    float *outer = unit_gradients_.get();
    in_parts(team, rows, shape.output, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        float *gradient = outer + row * shape.output;
        const float *unit = unit_.get() + row * shape.output;
        const float norm = norms_.get()[row];
        const auto along = static_cast<float>(dot(gradient, unit, shape.output));
        const float factor = norm > 0 ? 1.0f / norm : 0.0f * norm;
        for (size_t i = 0; i < shape.output; ++i) gradient[i] = (gradient[i] - along * unit[i]) * factor;
      }
    });

    float *weight_2 = gradients.get() + layout.weight_2;
    std::fill(weight_2, weight_2 + shape.output * shape.hidden, 0.0f);
    multiply(team, shape.output, shape.hidden, rows, {outer, shape.output, true},
             {hidden_.get(), shape.hidden, false}, weight_2);
    sum_rows(outer, rows, shape.output, gradients.get() + layout.bias_2);

    float *inner = hidden_gradients_.zeros(rows * shape.hidden);
    multiply(team, rows, shape.hidden, shape.output, {outer, shape.output, false},
             {parameters.get() + layout.weight_2, shape.hidden, false}, inner);
    in_parts(team, rows * shape.hidden, 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) inner[i] *= slopes_.get()[i];
    });

    float *weight_1 = gradients.get() + layout.weight_1;
    std::fill(weight_1, weight_1 + shape.hidden * shape.input, 0.0f);
    multiply(team, shape.hidden, shape.input, rows, {inner, shape.hidden, true}, {input_.get(), shape.input, false},
             weight_1);
    sum_rows(inner, rows, shape.hidden, gradients.get() + layout.bias_1);
    if (shape.gate != 0) through_gate(weight_1);
  }

  // weight_1 holds the gradients of the gated weights; they become those of the weights, and of the gate.
  void through_gate(float *weight_1) {
    const float *sigmoid = gate_sigmoid_.get();
    const float *weight = parameters.get() + layout.weight_1;
    float *gate = gradients.get() + layout.gate;
    std::fill(gate, gate + shape.input, 0.0f);
    for (size_t unit = 0; unit < shape.hidden; ++unit)
      for (size_t i = 0; i < shape.input; ++i) {
        float &gradient = weight_1[unit * shape.input + i];
        gate[i] += gradient * weight[unit * shape.input + i];
        gradient *= sigmoid[i];
      }
    for (size_t i = 0; i < shape.input; ++i) gate[i] *= sigmoid[i] * (1.0f - sigmoid[i]);
  }
};

size_t ner_trainer_parameter_count(const ner_trainer_options *options) { return ParameterLayout(*options).count; }

ner_status ner_trainer_create(ner_instruction_set set, const ner_blas *blas, const ner_trainer_options *options,
                              const float *parameters, const float *first_moments, const float *second_moments,
                              uint64_t steps, ner_trainer **trainer) {
  try {
    const Kernels *kernels = kernels_for(set);
    if (kernels == nullptr) return NER_UNAVAILABLE;
    const Refusal refused = refusal(*options);
    if (!refused.empty()) return fail(NER_INVALID_ARGUMENT, refused);

    auto made = std::make_unique<ner_trainer>(*kernels, blas, *options, steps);
    const auto copy = [&](const float *from, AlignedFloats &to) {
      if (from == nullptr)
        std::fill(to.get(), to.get() + made->layout.count, 0.0f);
      else
        std::copy(from, from + made->layout.count, to.get());
    };
    copy(parameters, made->parameters);
    copy(first_moments, made->first_moments);
    copy(second_moments, made->second_moments);
    *trainer = made.release();
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

void ner_trainer_destroy(ner_trainer *trainer) { delete trainer; }

size_t ner_trainer_bytes(const ner_trainer *trainer) { return 4 * trainer->layout.count * sizeof(float); }

ner_status ner_trainer_state(const ner_trainer *trainer, float *parameters, float *first_moments,
                             float *second_moments, uint64_t *steps) {
  const size_t count = trainer->layout.count;
  std::copy(trainer->parameters.get(), trainer->parameters.get() + count, parameters);
  std::copy(trainer->first_moments.get(), trainer->first_moments.get() + count, first_moments);
  std::copy(trainer->second_moments.get(), trainer->second_moments.get() + count, second_moments);
  *steps = trainer->steps;
  return NER_OK;
}

ner_status ner_trainer_gradients(ner_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
                                 unsigned threads, double *loss_value, float *gradients) {
  try {
    const Refusal refused = refusal(*batch, *loss);
    if (!refused.empty()) return fail(NER_INVALID_ARGUMENT, refused);
    ThreadTeam team(threads);
    *loss_value = trainer->learn(*batch, *loss, team);
    std::copy(trainer->gradients.get(), trainer->gradients.get() + trainer->layout.count, gradients);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}

ner_status ner_trainer_step(ner_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
                            const ner_update_options *update, unsigned threads, double *loss_value,
                            double *gradient_norm) {
  try {
    Refusal refused = refusal(*batch, *loss);
    if (refused.empty()) refused = refusal(*update);
    if (!refused.empty()) return fail(NER_INVALID_ARGUMENT, refused);
    ThreadTeam team(threads);
    *loss_value = trainer->learn(*batch, *loss, team);
    *gradient_norm = std::numeric_limits<double>::quiet_NaN();
    if (std::isfinite(*loss_value)) *gradient_norm = trainer->update(*update, team);
    return NER_OK;
  } catch (...) {
    return fail_with_current_exception();
  }
}
