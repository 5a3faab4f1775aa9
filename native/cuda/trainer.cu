#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "matmul_float32.cuh"
#include "train_plan.h"

// A step, on the device from end to end; the host sends the batch, queues 18 kernels (a gate adds 1, a contrast 7), and waits
// once for the outcome.
//
// What goes up is the rows of the batch, put together from the table on the way (1.6 MB for 384 rows of 1024), and what the plan
// says of them. Not the table, which may have millions of rows, and which nobody promises to be the same at the next step;
// a copy of it that stays here would be right only until the caller writes to it. Rows that a batch names twice go up
// twice.
//
// For 384 rows of 1024 → 500 → 500, by the datasheet of an H100: 20 µs of products at its float32 rate (matmul_float32.cu), 6 µs
// of AdamW at the speed of its memory, 1.6 MB over the bus (25 µs at 64 GB/s). At these sizes the time that launches take to
// begin is of the same order, and so is the host's gathering of the rows: more rows a step are what a GPU is good for.
//
// Parameters, moments and gradients stay: 4 · 4 bytes for each parameter. All other memory of a step comes from the device's
// pool and goes back to it; it is taken before anything is queued, so that a step that finds none changes nothing.

namespace ner_retriever::cuda {

namespace {

void expect_no(const Refusal &refusal) {
  if (!refusal.empty()) throw Failure(NER_INVALID_ARGUMENT, refusal);
}

// Blocks of a launch and numbers of a plan are counted in 31 bits.
void expect_countable(const ner_training_batch &batch) {
  constexpr size_t most = std::numeric_limits<int32_t>::max();
  const auto refuse = [] {
    throw Failure(NER_INVALID_ARGUMENT, "the GPU takes batches of less than 2^31 rows and uses of rows: take fewer examples a step");
  };
  const size_t examples = batch.example_count;
  if (examples > most / 8 || batch.negative_count > most / 8) refuse();
  if (2 * examples * (batch.negative_count + 2) > most) refuse();
  if (batch.row_count > most - 2 * examples) refuse();
}

size_t whole_quads(size_t count) { return (count + 3) / 4; }

}  // namespace

struct Trainer::Pass {
  Trainer &trainer;
  const ner_training_batch &batch;
  const ner_loss_options &loss;

  const cudaStream_t stream = trainer.device_.stream();
  const ner_trainer_options &shape = trainer.shape_;
  const ParameterLayout &layout = trainer.layout_;
  const float *parameters = trainer.parameters_.get();
  float *gradients = trainer.gradients_.get();

  const size_t rows = batch.row_count;
  const size_t examples = batch.example_count;
  const size_t each = 1 + batch.negative_count;  // pairs of an example
  const bool contrasted = batch.contrast != nullptr;
  const TrainingPlan plan{batch};

  DeviceBuffer<float> input = floats(rows * shape.input);
  DeviceBuffer<int32_t> numbers{memory(), plan.numbers.size()};
  DeviceBuffer<uint8_t> contrast{memory(), contrasted ? examples * examples : 0};

  DeviceBuffer<float> gated_weight = floats(shape.gate != 0 ? shape.hidden * shape.input : 0);
  DeviceBuffer<float> hidden = floats(rows * shape.hidden);  // after SiLU and dropout
  DeviceBuffer<float> slopes = floats(rows * shape.hidden);  // of that by the values before
  // Rows of length 1; behind them what `contrast` brings, as TrainingPlan numbers it.
  DeviceBuffer<float> unit = floats((rows + (contrasted ? 2 * examples : 0)) * shape.output);
  DeviceBuffer<float> norms = floats(rows);

  DeviceBuffer<double> cosines{memory(), examples * each};
  DeviceBuffer<double> losses{memory(), examples};
  DeviceBuffer<float> cosine_slopes = floats(examples * each);
  DeviceBuffer<float> score_slopes = floats(contrasted ? examples * examples : 0);
  DeviceBuffer<float> anchors = floats(contrasted ? examples * shape.output : 0);
  DeviceBuffer<float> positives = floats(contrasted ? examples * shape.output : 0);

  DeviceBuffer<float> output_gradients = floats(rows * shape.output);
  DeviceBuffer<float> hidden_gradients = floats(rows * shape.hidden);
  DeviceBuffer<double> outcome_scratch{memory(), outcome_sums};
  DeviceBuffer<float> products = floats(largest_product());

  DeviceMemory &memory() const { return trainer.device_.memory(); }
  DeviceBuffer<float> floats(size_t count) const { return DeviceBuffer<float>(memory(), count); }

  size_t largest_product() const {
    size_t largest = std::max({partial_sums_size(rows, shape.hidden, shape.input),
                               partial_sums_size(rows, shape.output, shape.hidden),
                               partial_sums_size(shape.output, shape.hidden, rows),
                               partial_sums_size(rows, shape.hidden, shape.output),
                               partial_sums_size(shape.hidden, shape.input, rows)});
    if (contrasted)
      largest = std::max({largest, partial_sums_size(examples, examples, shape.output),
                          partial_sums_size(examples, shape.output, examples)});
    return largest;
  }

  PartialSums multiply(size_t product_rows, size_t columns, size_t depth, const MatmulFactor &a, const MatmulFactor &b) {
    return multiply_float32(stream, product_rows, columns, depth, a, b, products.get());
  }

  const int32_t *list(size_t begin) const { return numbers.get() + begin; }

  void send() {
    Staging &staging = trainer.device_.staging();
    // Bytes [at, at + size) of the rows, one behind the other.
    const size_t row_bytes = shape.input * sizeof(float);
    const auto put_together = [&](char *to, size_t at, size_t size) {
      for (const char *const end = to + size; to < end;) {
        const size_t row = at / row_bytes, in_row = at % row_bytes;
        const size_t piece = std::min(row_bytes - in_row, static_cast<size_t>(end - to));
        const float *from = batch.table + static_cast<size_t>(batch.rows[row]) * shape.input;
        std::memcpy(to, reinterpret_cast<const char *>(from) + in_row, piece);
        to += piece;
        at += piece;
      }
    };
    staging.upload_pieces(input.bytes(), input.get(), stream, put_together);
    staging.upload(plan.numbers.data(), numbers.bytes(), numbers.get(), stream);
    if (contrasted) staging.upload(batch.contrast, contrast.bytes(), contrast.get(), stream);
  }

  void forward() {
    const float *weight_1 = parameters + layout.weight_1;
    if (shape.gate != 0) {
      gate_weight(stream, parameters + layout.gate, weight_1, shape.hidden, shape.input, gated_weight.get());
      weight_1 = gated_weight.get();
    }
    activate(stream,
             multiply(rows, shape.hidden, shape.input, {input.get(), shape.input, false}, {weight_1, shape.input, true}),
             parameters + layout.bias_1, rows, shape.hidden, {dropout_key(shape.seed, trainer.steps_), shape.dropout},
             hidden.get(), slopes.get());
    normalise(stream,
              multiply(rows, shape.output, shape.hidden, {hidden.get(), shape.hidden, false},
                       {parameters + layout.weight_2, shape.hidden, true}),
              parameters + layout.bias_2, rows, shape.output, unit.get(), norms.get());
  }

  // The loss, and its slopes at all cosines.
  void differentiate() {
    cosines_of_pairs(stream, unit.get(), shape.output, {list(plan.anchors), list(plan.others), examples, each},
                     cosines.get());
    if (loss.loss == NER_LOSS_TRIPLET)
      triplet_loss(stream, cosines.get(), examples, each, static_cast<double>(loss.margin), losses.get(),
                   cosine_slopes.get());
    else if (!contrasted)
      info_nce_loss(stream, cosines.get(), examples, each, static_cast<double>(loss.temperature), nullptr, {},
                    losses.get(), cosine_slopes.get(), nullptr);
    else
      differentiate_contrasted();
  }

  // All anchors with all positives: their cosines, and what each does to the others, are products of matrices.
  void differentiate_contrasted() {
    const MatmulFactor all_anchors = {anchors.get(), shape.output, false};
    const MatmulFactor all_positives = {positives.get(), shape.output, false};
    gather_rows(stream, unit.get(), list(plan.anchors), examples, shape.output, anchors.get());
    gather_rows(stream, unit.get(), list(plan.positives), examples, shape.output, positives.get());
    info_nce_loss(stream, cosines.get(), examples, each, static_cast<double>(loss.temperature), contrast.get(),
                  multiply(examples, examples, shape.output, all_anchors, {positives.get(), shape.output, true}),
                  losses.get(), cosine_slopes.get(), score_slopes.get());

    float *to_anchors = unit.get() + rows * shape.output;
    write_sums(stream, multiply(examples, shape.output, examples, {score_slopes.get(), examples, false}, all_positives),
               nullptr, examples, shape.output, to_anchors);
    write_sums(stream, multiply(examples, shape.output, examples, {score_slopes.get(), examples, true}, all_anchors),
               nullptr, examples, shape.output, to_anchors + examples * shape.output);
  }

  void backward() {
    const float *outer = output_gradients.get(), *inner = hidden_gradients.get();
    unit_gradients(stream, unit.get(), norms.get(), {list(plan.starts), list(plan.sources), list(plan.factors)},
                   cosine_slopes.get(), rows, shape.output, output_gradients.get());

    write_sums(stream,
               multiply(shape.output, shape.hidden, rows, {outer, shape.output, true}, {hidden.get(), shape.hidden, false}),
               nullptr, shape.output, shape.hidden, gradients + layout.weight_2);
    sum_rows(stream, outer, rows, shape.output, gradients + layout.bias_2);

    write_sums(stream,
               multiply(rows, shape.hidden, shape.output, {outer, shape.output, false},
                        {parameters + layout.weight_2, shape.hidden, false}),
               slopes.get(), rows, shape.hidden, hidden_gradients.get());

    const PartialSums weight_1 =
        multiply(shape.hidden, shape.input, rows, {inner, shape.hidden, true}, {input.get(), shape.input, false});
    if (shape.gate != 0)
      gate_gradients(stream, weight_1, parameters + layout.gate, parameters + layout.weight_1, shape.hidden, shape.input,
                     gradients + layout.weight_1, gradients + layout.gate);
    else
      write_sums(stream, weight_1, nullptr, shape.hidden, shape.input, gradients + layout.weight_1);
    sum_rows(stream, inner, rows, shape.hidden, gradients + layout.bias_1);
  }
};

Trainer::Trainer(Device &device, const ner_trainer_options &options, const float *parameters, const float *first_moments,
                 const float *second_moments, uint64_t steps)
    : device_(device),
      shape_((expect_no(refusal(options)), options)),
      layout_(options),
      quads_(whole_quads(layout_.count)),
      steps_(steps) {
  for (DeviceBuffer<float> *array : {&parameters_, &first_moments_, &second_moments_, &gradients_}) {
    *array = DeviceBuffer<float>(device_.memory(), 4 * quads_);
    check(cudaMemsetAsync(array->get(), 0, array->bytes(), device_.stream()), "clearing memory of the GPU");
  }
  outcome_ = DeviceBuffer<Outcome>(device_.memory(), 1);
  const auto send = [&](const float *from, const DeviceBuffer<float> &to) {
    if (from != nullptr) device_.staging().upload(from, layout_.count * sizeof(float), to.get(), device_.stream());
  };
  send(parameters, parameters_);
  send(first_moments, first_moments_);
  send(second_moments, second_moments_);
}

void Trainer::state(float *parameters, float *first_moments, float *second_moments, uint64_t *steps) {
  expect_intact();
  const auto read = [&](const DeviceBuffer<float> &from, float *to) {
    device_.staging().download(from.get(), layout_.count * sizeof(float), to, device_.stream());
  };
  read(parameters_, parameters);
  read(first_moments_, first_moments);
  read(second_moments_, second_moments);
  *steps = steps_;
}

double Trainer::gradients(const ner_training_batch &batch, const ner_loss_options &loss, float *gradients) {
  learn(batch, loss);
  device_.staging().download(gradients_.get(), layout_.count * sizeof(float), gradients, device_.stream());
  return read_outcome().loss;
}

Outcome Trainer::step(const ner_training_batch &batch, const ner_loss_options &loss, const ner_update_options &update) {
  expect_no(refusal(update));
  learn(batch, loss);
  const auto rate = static_cast<double>(update.learning_rate);
  const auto done = static_cast<double>(steps_ + 1);
  const AdamwOptions options = {
      static_cast<double>(update.maximum_gradient_norm),
      static_cast<float>(1.0 - rate * static_cast<double>(update.weight_decay)),
      static_cast<float>(rate / (1.0 - std::pow(0.9, done))),
      static_cast<float>(std::sqrt(1.0 - std::pow(0.999, done))),
  };
  intact_ = false;
  adamw(device_.stream(), options, outcome_.get(), gradients_.get(), quads_, parameters_.get(), first_moments_.get(),
        second_moments_.get());
  Outcome outcome = read_outcome();
  intact_ = true;
  if (std::isfinite(outcome.loss))
    ++steps_;
  else
    outcome.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  return outcome;
}

// Queues all up to the outcome, which lies in outcome_; the gradients in gradients_.
void Trainer::learn(const ner_training_batch &batch, const ner_loss_options &loss) {
  expect_intact();
  expect_no(refusal(batch, loss));
  expect_countable(batch);
  Pass pass{*this, batch, loss};
  pass.send();
  pass.forward();
  pass.differentiate();
  pass.backward();
  measure(device_.stream(), pass.losses.get(), batch.example_count, gradients_.get(), quads_, pass.outcome_scratch.get(),
          outcome_.get());
}

Outcome Trainer::read_outcome() {
  Outcome outcome;
  device_.staging().download(outcome_.get(), sizeof outcome, &outcome, device_.stream());
  return outcome;
}

void Trainer::expect_intact() const {
  if (!intact_)
    throw Failure(NER_FAILED, "the GPU failed in the middle of a step, and what became of the head is not known: "
                              "make a new trainer from the last state that was read");
}

}  // namespace ner_retriever::cuda
