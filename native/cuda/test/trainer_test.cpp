#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "cuda_test.h"
#include "training_problem.h"

// The cases of native/test/training_test.cpp on the GPU, and the CPU's trainer beside it.

namespace {

using Trainer = std::unique_ptr<ner_cuda_trainer, void (*)(ner_cuda_trainer *)>;
using CpuTrainer = std::unique_ptr<ner_trainer, decltype(&ner_trainer_destroy)>;

// Where each emulated thread is a thread of the system (preset `races`), a kernel takes a thousand times as long: each kernel runs,
// on fewer problems.
#if defined(__SANITIZE_THREAD__)
constexpr bool slow = true;
#else
constexpr bool slow = false;
#endif

struct State {
  std::vector<float> parameters, first_moments, second_moments;
  uint64_t steps = 0;
};

bool same(const State &a, const State &b) {
  return same_bits(a.parameters, b.parameters) && same_bits(a.first_moments, b.first_moments) &&
         same_bits(a.second_moments, b.second_moments) && a.steps == b.steps;
}

Trainer create(const TestDevice &device, const Problem &problem, uint64_t steps = 0) {
  ner_cuda_trainer *made = nullptr;
  CHECK(api().trainer_create(device, &problem.options, problem.parameters.data(), nullptr, nullptr, steps, &made) == NER_OK,
        api().last_error());
  return Trainer(made, api().trainer_destroy);
}

Trainer create(const TestDevice &device, const Problem &problem, const State &state) {
  ner_cuda_trainer *made = nullptr;
  CHECK(api().trainer_create(device, &problem.options, state.parameters.data(), state.first_moments.data(),
                             state.second_moments.data(), state.steps, &made) == NER_OK,
        api().last_error());
  return Trainer(made, api().trainer_destroy);
}

CpuTrainer create_on_cpu(const Problem &problem, uint64_t steps = 0) {
  ner_trainer *made = nullptr;
  ner_trainer_create(NER_SCALAR, nullptr, &problem.options, problem.parameters.data(), nullptr, nullptr, steps, &made);
  return CpuTrainer(made, ner_trainer_destroy);
}

State state_of(const Trainer &trainer, size_t count) {
  State state = {std::vector<float>(count, 1e30f), std::vector<float>(count, 1e30f), std::vector<float>(count, 1e30f), 77};
  CHECK(api().trainer_state(trainer.get(), state.parameters.data(), state.first_moments.data(),
                            state.second_moments.data(), &state.steps) == NER_OK,
        api().last_error());
  return state;
}

State state_of(const Trainer &trainer, const Problem &problem) { return state_of(trainer, problem.parameters.size()); }

std::vector<float> gradients(const Trainer &trainer, const Problem &problem, double *loss) {
  std::vector<float> out(problem.parameters.size(), 1e30f);
  const ner_training_batch batch = problem.batch();
  CHECK(api().trainer_gradients(trainer.get(), &batch, &problem.loss, loss, out.data()) == NER_OK, api().last_error());
  return out;
}

std::vector<float> gradients_on_cpu(const Problem &problem, uint64_t steps, double *loss) {
  std::vector<float> out(problem.parameters.size());
  const ner_training_batch batch = problem.batch();
  ner_trainer_gradients(create_on_cpu(problem, steps).get(), &batch, &problem.loss, 1, loss, out.data());
  return out;
}

constexpr ner_update_options plain_update = {1e-2f, 0.05f, 0.0f};

struct Measured {
  ner_status status;
  double loss, norm;
};

Measured step(const Trainer &trainer, const Problem &problem, const ner_update_options &update = plain_update) {
  const ner_training_batch batch = problem.batch();
  Measured measured = {NER_OK, 1e300, 1e300};
  measured.status =
      api().trainer_step(trainer.get(), &batch, &problem.loss, &update, &measured.loss, &measured.norm);
  return measured;
}

// ‖found − expected‖ against ‖expected‖; where nearly all of it cancelled out (rows that point the same way), against the
// float32 roundings of what cancelled: slopes at cosines, which are as large as 1 / temperature.
void check_near(const std::vector<float> &found, const std::vector<float> &expected, double tolerance,
                const std::string &about) {
  double difference = 0, length = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double of_both = static_cast<double>(found[i]) - static_cast<double>(expected[i]);
    difference += of_both * of_both;
    length += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  CHECK(std::sqrt(difference) <= tolerance * std::sqrt(length) + 1e-5,
        about + ": off by " + std::to_string(std::sqrt(difference)) + " of " + std::to_string(std::sqrt(length)));
}

// Of a shape that is asked for; places among all rows.
Problem problem_of(ner_trainer_options options, size_t rows, size_t examples, size_t negatives, ner_loss loss,
                   bool contrast) {
  Problem made;
  made.options = options;
  made.parameters = random_floats(ner_trainer_parameter_count(&options), 1.0f / std::sqrt(static_cast<float>(options.input)));
  made.table = random_floats((rows + 7) * options.input);
  made.rows = random_places(rows, rows + 7);
  made.anchors = random_places(examples, rows);
  made.positives = random_places(examples, rows);
  made.negatives = random_places(examples * negatives, rows);
  if (contrast) {
    made.contrast.resize(examples * examples);
    for (uint8_t &each : made.contrast) each = random_size(0, 3) > 0 ? 1 : 0;
  }
  made.loss = {loss, 0.5f, 0.2f};
  return made;
}

// The shapes at which something is cut otherwise: sizes that no vector divides, one example, edges of tiles of 64, and depths
// that are cut into parts.
std::vector<Problem> problems_of_all_shapes() {
  std::vector<Problem> all;
  const auto add = [&](size_t input, size_t hidden, size_t output, int gate, float dropout, size_t rows, size_t examples,
                       size_t negatives) {
    const ner_trainer_options options = {input, hidden, output, gate, dropout, random_size(0, 1000000)};
    if (negatives > 0) {
      all.push_back(problem_of(options, rows, examples, negatives, NER_LOSS_TRIPLET, false));
      all.push_back(problem_of(options, rows, examples, negatives, NER_LOSS_INFO_NCE, false));
    }
    all.push_back(problem_of(options, rows, examples, negatives, NER_LOSS_INFO_NCE, true));
  };
  add(33, 17, 5, 1, 0.3f, 9, 4, 2);
  add(300, 20, 24, 0, 0.1f, 20, 8, 0);
  if (slow) return all;
  add(33, 17, 5, 0, 0.0f, 9, 4, 2);
  add(1, 1, 2, 1, 0.0f, 2, 1, 1);
  add(64, 64, 64, 1, 0.1f, 64, 64, 1);
  add(65, 63, 66, 1, 0.1f, 67, 20, 3);
  add(36, 20, 12, 0, 0.2f, 3, 1, 1);
  add(600, 20, 24, 1, 0.1f, 20, 8, 0);
  add(40, 300, 140, 0, 0.1f, 12, 6, 2);
  add(9, 12, 8, 1, 0.0f, 300, 130, 1);
  return all;
}

std::string name_of(const Problem &problem) {
  return std::string(problem.loss.loss == NER_LOSS_TRIPLET ? "triplet " : "InfoNCE ") +
         std::to_string(problem.options.input) + " → " + std::to_string(problem.options.hidden) + " → " +
         std::to_string(problem.options.output) + (problem.options.gate != 0 ? ", gate" : "") +
         (problem.contrast.empty() ? "" : ", contrast") + ", " + std::to_string(problem.rows.size()) + " rows";
}

}  // namespace

CUDA_TEST("training: gradients are finite differences of the loss in float64") {
  const TestDevice device;
  for (int round = 0; round < (slow ? 2 : 12); ++round) {
    const bool triplet = round % 2 == 0;
    const Problem problem =
        random_problem(triplet ? NER_LOSS_TRIPLET : NER_LOSS_INFO_NCE, round % 4 > 1, round % 3 == 2 ? 0.3f : 0.0f,
                       !triplet && round % 3 > 0, triplet || round % 3 < 2 ? random_size(1, 3) : 0);
    double loss = 0;
    const ReferenceSlopes expected = reference_slopes(problem);
    const std::vector<float> found = gradients(create(device, problem), problem, &loss);
    check_slopes(expected, loss, found, name_of(problem));
  }
}

CUDA_TEST("training: gradients are the CPU's, whatever the shape, the seed and the step") {
  const TestDevice device;
  for (const Problem &problem : problems_of_all_shapes()) {
    const uint64_t steps = random_size(0, size_t{1} << 40);
    double loss = 0, expected_loss = 0;
    const std::vector<float> expected = gradients_on_cpu(problem, steps, &expected_loss);
    const std::vector<float> found = gradients(create(device, problem, steps), problem, &loss);
    CHECK(std::fabs(loss - expected_loss) < 1e-5 * (1 + std::fabs(expected_loss)), name_of(problem));
    // A unit that one of them drops and the other does not would be seen a thousand times over.
    check_near(found, expected, 1e-5, name_of(problem));
  }
}

CUDA_TEST("training: a row that is anchor, positive and negative at once has all of its gradient") {
  const TestDevice device;
  Problem problem = random_problem(NER_LOSS_INFO_NCE, true, 0.0f, true, 2);
  while (problem.anchors.size() < 4) problem = random_problem(NER_LOSS_INFO_NCE, true, 0.0f, true, 2);
  std::fill(problem.rows.begin(), problem.rows.end(), 3);
  problem.rows[0] = 4;
  for (size_t i = 0; i < problem.anchors.size(); ++i) problem.anchors[i] = i % 2 == 0 ? 1 : 0;
  std::fill(problem.positives.begin(), problem.positives.end(), 1);
  std::fill(problem.negatives.begin(), problem.negatives.end(), 1);
  problem.negatives[0] = 0;
  double loss = 0;
  const ReferenceSlopes expected = reference_slopes(problem);
  const std::vector<float> found = gradients(create(device, problem), problem, &loss);
  check_slopes(expected, loss, found, name_of(problem));
}

CUDA_TEST("training: a step is the same bits every time") {
  const TestDevice device;
  for (const Problem &problem : problems_of_all_shapes()) {
    double loss = 0, again = 0;
    const std::vector<float> expected = gradients(create(device, problem), problem, &loss);
    CHECK(same_bits(expected, gradients(create(device, problem), problem, &again)) && loss == again, name_of(problem));
  }
  const Problem problem = random_problem(NER_LOSS_INFO_NCE, true, 0.2f, true, 2);
  const Trainer first = create(device, problem), second = create(device, problem);
  for (int i = 0; i < 5; ++i) {
    const Measured a = step(first, problem), b = step(second, problem);
    CHECK(a.status == NER_OK && a.loss == b.loss && a.norm == b.norm, "the same outcome");
  }
  CHECK(same(state_of(first, problem), state_of(second, problem)), "the same state");
}

CUDA_TEST("training: many steps stay close to the CPU's, and bring the loss down") {
  const TestDevice device;
  for (const ner_loss loss : {NER_LOSS_TRIPLET, NER_LOSS_INFO_NCE}) {
    const ner_trainer_options options = {48, 70, 33, 1, 0.1f, 5};
    const Problem problem = problem_of(options, 40, 16, 2, loss, loss == NER_LOSS_INFO_NCE);
    const Trainer trainer = create(device, problem);
    const CpuTrainer beside = create_on_cpu(problem);
    const ner_training_batch batch = problem.batch();
    const ner_update_options update = {1e-3f, 0.01f, 1.0f};
    double first_loss = 0;
    const int steps = slow ? 3 : emulated() != nullptr ? 12 : 60;
    for (int i = 0; i < steps; ++i) {
      double expected_loss = 0, expected_norm = 0;
      ner_trainer_step(beside.get(), &batch, &problem.loss, &update, 1, &expected_loss, &expected_norm);
      const Measured found = step(trainer, problem, update);
      CHECK(found.status == NER_OK && std::fabs(found.loss - expected_loss) < 1e-3 * (1 + expected_loss),
            std::to_string(i) + ": " + std::to_string(found.loss) + " for " + std::to_string(expected_loss));
      if (i == 0) first_loss = found.loss;
      if (i == steps - 1) CHECK(found.loss < first_loss, "the loss fell");
    }
    State expected = state_of(trainer, problem);
    const State found = expected;
    ner_trainer_state(beside.get(), expected.parameters.data(), expected.first_moments.data(),
                      expected.second_moments.data(), &expected.steps);
    CHECK(found.steps == expected.steps, "steps");
    check_near(found.parameters, expected.parameters, 1e-4, "parameters");
    check_near(found.first_moments, expected.first_moments, 1e-3, "moments");
  }
}

CUDA_TEST("training: each step drops other units, and a seed decides which") {
  const TestDevice device;
  Problem problem = problem_of({20, 60, 10, 0, 0.25f, 5}, 20, 6, 2, NER_LOSS_INFO_NCE, false);
  double value = 0;
  const auto at = [&](uint64_t seed, uint64_t steps) {
    problem.options.seed = seed;
    return gradients(create(device, problem, steps), problem, &value);
  };
  CHECK(same_bits(at(5, 0), at(5, 0)), "the same seed");
  CHECK(!same_bits(at(5, 0), at(6, 0)), "another seed");
  CHECK(!same_bits(at(5, 0), at(5, 1)), "another step");
}

CUDA_TEST("training: steps go on from a state as if they had not stopped") {
  const TestDevice device;
  const Problem problem = random_problem(NER_LOSS_INFO_NCE, true, 0.1f, false, 3);
  const Trainer straight = create(device, problem), first = create(device, problem);
  const int before = slow ? 1 : 5, after = slow ? 1 : 7;
  for (int i = 0; i < before + after; ++i) step(straight, problem);
  for (int i = 0; i < before; ++i) step(first, problem);
  const State between = state_of(first, problem);
  CHECK(between.steps == static_cast<uint64_t>(before), std::to_string(between.steps));
  const Trainer second = create(device, problem, between);
  CHECK(same(state_of(second, problem), between), "what came out goes in");
  for (int i = 0; i < after; ++i) step(second, problem);
  CHECK(same(state_of(second, problem), state_of(straight, problem)), "resumed");
}

CUDA_TEST("training: a step of AdamW is what its formula says, clipped or not") {
  const TestDevice device;
  const Problem problem = random_problem(NER_LOSS_INFO_NCE, true, 0.0f, false, 2);
  double loss = 0;
  const std::vector<float> gradient = gradients(create(device, problem), problem, &loss);
  double squares = 0;
  for (const float each : gradient) squares += static_cast<double>(each) * static_cast<double>(each);
  for (const float limit : {0.0f, 0.01f}) {
    const Trainer trainer = create(device, problem, 6);
    const Measured measured = step(trainer, problem, {0.02f, 0.1f, limit});
    const State found = state_of(trainer, problem);
    CHECK(measured.loss == loss && std::fabs(std::sqrt(squares) - measured.norm) < 1e-6 && found.steps == 7, "norm and steps");
    const double scale = limit > 0 ? std::fmin(1.0, static_cast<double>(limit) / (measured.norm + 1e-6)) : 1.0;
    for (size_t i = 0; i < gradient.size(); ++i) {
      const double g = static_cast<double>(gradient[i]) * scale;
      const double mean = 0.1 * g / (1 - std::pow(0.9, 7)), square = 0.001 * g * g / (1 - std::pow(0.999, 7));
      const double expected =
          static_cast<double>(problem.parameters[i]) * (1 - 0.02 * 0.1) - 0.02 * mean / (std::sqrt(square) + 1e-8);
      CHECK(std::fabs(static_cast<double>(found.parameters[i]) - expected) < 2e-6, std::to_string(i));
      CHECK(std::fabs(static_cast<double>(found.first_moments[i]) - 0.1 * g) < 1e-7, std::to_string(i));
    }
  }
}

CUDA_TEST("training: a loss that is not finite changes nothing and is seen, and the next step is as if it had not been") {
  const TestDevice device;
  for (const bool contrast : {false, true})
    for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const Problem problem = random_problem(contrast ? NER_LOSS_INFO_NCE : NER_LOSS_TRIPLET, true, 0.1f, contrast, 1);
      Problem damaged = problem;
      std::fill(damaged.table.begin(), damaged.table.end(), wrong);
      const Trainer trainer = create(device, problem), undisturbed = create(device, problem);
      step(trainer, problem);
      step(undisturbed, problem);
      const State before = state_of(trainer, problem);
      const Measured measured = step(trainer, damaged);
      CHECK(measured.status == NER_OK && !std::isfinite(measured.loss) && std::isnan(measured.norm), std::to_string(measured.loss));
      CHECK(same(state_of(trainer, problem), before), "nothing changed");
      step(trainer, problem);
      step(undisturbed, problem);
      CHECK(same(state_of(trainer, problem), state_of(undisturbed, problem)), "it goes on");
    }
}

CUDA_TEST("training: rows whose projection is zero have no direction and give no gradient") {
  const TestDevice device;
  Problem problem = random_problem(NER_LOSS_INFO_NCE, false, 0.0f, true, 1);
  std::fill(problem.parameters.begin(), problem.parameters.end(), 0.0f);
  double loss = 0;
  for (const float each : gradients(create(device, problem), problem, &loss)) CHECK(each == 0.0f, "zero");
  CHECK(std::isfinite(loss), std::to_string(loss));
}

CUDA_TEST("training: what cannot be is refused, in the CPU's words") {
  const TestDevice device;
  const Problem problem = random_problem(NER_LOSS_TRIPLET, false, 0.0f, false, 1);
  const Trainer trainer = create(device, problem);
  const CpuTrainer beside = create_on_cpu(problem);
  const State before = state_of(trainer, problem);
  const auto refused = [&](const Problem &wrong, const ner_update_options &update) {
    const ner_training_batch batch = wrong.batch();
    double loss = 0, norm = 0;
    CHECK(ner_trainer_step(beside.get(), &batch, &wrong.loss, &update, 1, &loss, &norm) == NER_INVALID_ARGUMENT, "CPU");
    CHECK(step(trainer, wrong, update).status == NER_INVALID_ARGUMENT, "refused");
    CHECK(std::string(api().last_error()) == ner_last_error(), api().last_error());
  };
  Problem wrong = problem;
  wrong.rows[0] = 30;
  refused(wrong, plain_update);
  wrong = problem;
  wrong.negatives[0] = -1;
  refused(wrong, plain_update);
  wrong = problem;
  wrong.negatives.clear();
  refused(wrong, plain_update);
  wrong.loss = {NER_LOSS_INFO_NCE, 0, 0};
  wrong.negatives = problem.negatives;
  refused(wrong, plain_update);
  refused(problem, {std::numeric_limits<float>::quiet_NaN(), 0.0f, 0.0f});
  CHECK(same(state_of(trainer, problem), before), "nothing changed");

  ner_cuda_trainer *made = nullptr;
  const auto cannot_be_made = [&](const ner_trainer_options &options) {
    CHECK(api().trainer_create(device, &options, problem.parameters.data(), nullptr, nullptr, 0, &made) ==
              NER_INVALID_ARGUMENT && made == nullptr,
          api().last_error());
  };
  ner_trainer_options options = problem.options;
  options.dropout = 1;
  cannot_be_made(options);
  options = problem.options;
  options.hidden = 0;
  cannot_be_made(options);
}

CUDA_TEST("training: where the memory is not enough, nothing changed and the next step goes well") {
  if (emulated() == nullptr || slow) return;
  const TestDevice device;
  const Problem problem = problem_of({9, 12, 7, 1, 0.1f, 3}, 6, 4, 2, NER_LOSS_INFO_NCE, true);
  const Trainer undisturbed = create(device, problem);
  CHECK(step(undisturbed, problem).status == NER_OK, api().last_error());

  // A device of its own each time: its pool is empty, so that each buffer is an allocation.
  unsigned nth = 1;
  for (bool failed = true; failed; ++nth) {
    const TestDevice other;
    emulated()->fail_allocation(nth);
    ner_cuda_trainer *made = nullptr;
    const ner_status status =
        api().trainer_create(other, &problem.options, problem.parameters.data(), nullptr, nullptr, 0, &made);
    failed = status != NER_OK;
    if (failed) {
      CHECK(status == NER_OUT_OF_MEMORY && made == nullptr, api().last_error());
      emulated()->fail_allocation(0);
      continue;
    }
    emulated()->fail_allocation(0);
    api().trainer_destroy(made);
  }
  CHECK(nth > 5, "five arrays of a trainer: " + std::to_string(nth));

  unsigned in_a_step = 0;
  for (bool failed = true; failed; ++in_a_step) {
    const TestDevice other;
    const Trainer trainer = create(other, problem);
    emulated()->fail_allocation(in_a_step + 1);
    const Measured measured = step(trainer, problem);
    emulated()->fail_allocation(0);
    failed = measured.status != NER_OK;
    if (!failed) continue;
    CHECK(measured.status == NER_OUT_OF_MEMORY, api().last_error());
    const State state = state_of(trainer, problem);
    CHECK(state.steps == 0 && same_bits(state.parameters, problem.parameters), "nothing changed");
    CHECK(step(trainer, problem).status == NER_OK, api().last_error());
    CHECK(same(state_of(trainer, problem), state_of(undisturbed, problem)), "the next step is the first");
  }
  CHECK(in_a_step > 10, "the buffers of a step: " + std::to_string(in_a_step));
}

CUDA_TEST("training: a step beyond the memory limit is refused, a smaller one goes well") {
  const TestDevice device(ner_cuda_device_options{size_t{8} << 20, 0, ""});
  const ner_trainer_options options = {256, 128, 64, 0, 0.1f, 3};
  const Problem small = problem_of(options, 30, 8, 2, NER_LOSS_TRIPLET, false);
  Problem large = problem_of(options, 12000, 8, 2, NER_LOSS_TRIPLET, false);
  const Trainer trainer = create(device, small);
  CHECK(step(trainer, large).status == NER_OUT_OF_MEMORY, "12 MB of rows");
  CHECK(step(trainer, small).status == NER_OK, api().last_error());
  CHECK(device.held() <= size_t{8} << 20, std::to_string(device.held()));
}

CUDA_TEST("training: a second step allocates nothing, and takes few kernels") {
  if (emulated() == nullptr) return;
  const TestDevice device;
  const Problem problem = problem_of({70, 30, 20, 1, 0.1f, 3}, 20, 8, 2, NER_LOSS_INFO_NCE, true);
  const Trainer trainer = create(device, problem);
  step(trainer, problem);
  const size_t allocations = emulated()->allocations(), launches = emulated()->launches();
  step(trainer, problem);
  CHECK(emulated()->allocations() == allocations, "allocations");
  CHECK(emulated()->launches() - launches <= 30, std::to_string(emulated()->launches() - launches) + " kernels");
}

CUDA_TEST("training: a batch that is larger than the staging buffers goes up in pieces") {
  const TestDevice device(ner_cuda_device_options{0, 4096, ""});
  const Problem problem = problem_of({301, 20, 12, 0, 0.1f, 3}, 50, 12, 1, NER_LOSS_INFO_NCE, true);
  double loss = 0, expected_loss = 0;
  const std::vector<float> expected = gradients_on_cpu(problem, 0, &expected_loss);
  const std::vector<float> found = gradients(create(device, problem), problem, &loss);
  check_near(found, expected, 1e-5, name_of(problem));
}

CUDA_TEST("training: where the GPU fails in a step, the trainer says so") {
  if (emulated() == nullptr) return;
  const Problem problem = problem_of({20, 30, 20, 1, 0.1f, 3}, 20, 8, 2, NER_LOSS_INFO_NCE, true);
  for (unsigned nth = 1; nth <= 25; nth += slow ? 24 : 4) {
    const TestDevice device;
    const Trainer trainer = create(device, problem);
    emulated()->fail_launch(nth);
    CHECK(step(trainer, problem).status == NER_FAILED, "the kernel failed: " + std::to_string(nth));
    CHECK(step(trainer, problem).status == NER_FAILED, "the GPU stays as it is");
    emulated()->reset();  // or nothing could be given back
  }
}
