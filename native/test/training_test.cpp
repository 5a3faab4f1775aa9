#include "ner_retriever/training.h"

#include <cmath>
#include <limits>
#include <memory>

#include "training_problem.h"

namespace {

using Trainer = std::unique_ptr<ner_trainer, decltype(&ner_trainer_destroy)>;

Trainer create(ner_instruction_set set, const Problem &problem, const ner_blas *blas = nullptr, uint64_t steps = 0) {
  ner_trainer *made = nullptr;
  CHECK(ner_trainer_create(set, blas, &problem.options, problem.parameters.data(), nullptr, nullptr, steps, &made) ==
            NER_OK,
        ner_last_error());
  return Trainer(made, ner_trainer_destroy);
}

std::vector<float> gradients(const Trainer &trainer, const Problem &problem, unsigned threads, double *loss) {
  std::vector<float> out(problem.parameters.size(), 1e30f);
  const ner_training_batch batch = problem.batch();
  CHECK(ner_trainer_gradients(trainer.get(), &batch, &problem.loss, threads, loss, out.data()) == NER_OK,
        ner_last_error());
  return out;
}

void check_against_finite_differences(const Problem &problem, const std::string &about) {
  const ReferenceSlopes expected = reference_slopes(problem);
  const ner_blas *blas = ner_blas_open(nullptr);
  const auto compare = [&](ner_instruction_set set, const ner_blas *with) {
    double loss = 0;
    const std::vector<float> found = gradients(create(set, problem, with), problem, 2, &loss);
    check_slopes(expected, loss, found, about + " on " + (with != nullptr ? "OpenBLAS" : ner_instruction_set_name(set)));
  };
  for (const ner_instruction_set set : available_sets()) compare(set, nullptr);
  if (blas != nullptr) compare(NER_SCALAR, blas);
}

ner_update_options plain_update() { return {1e-2f, 0.05f, 0.0f}; }

std::vector<float> parameters_after(const Trainer &trainer, const Problem &problem, int count, unsigned threads) {
  const ner_training_batch batch = problem.batch();
  const ner_update_options update = plain_update();
  double loss = 0, norm = 0;
  for (int i = 0; i < count; ++i)
    CHECK(ner_trainer_step(trainer.get(), &batch, &problem.loss, &update, threads, &loss, &norm) == NER_OK,
          ner_last_error());
  std::vector<float> parameters(problem.parameters.size()), first(parameters.size()), second(parameters.size());
  uint64_t steps = 0;
  ner_trainer_state(trainer.get(), parameters.data(), first.data(), second.data(), &steps);
  return parameters;
}

}  // namespace

TEST("gradients of the triplet loss are finite differences of it") {
  for (int round = 0; round < 6; ++round)
    check_against_finite_differences(
        random_problem(NER_LOSS_TRIPLET, round % 2 == 1, round % 3 == 2 ? 0.3f : 0.0f, false, random_size(1, 3)),
        "triplet " + std::to_string(round));
}

TEST("gradients of InfoNCE are finite differences of it") {
  for (int round = 0; round < 9; ++round)
    check_against_finite_differences(random_problem(NER_LOSS_INFO_NCE, round % 2 == 1, round % 3 == 2 ? 0.3f : 0.0f,
                                                    round % 3 > 0, round % 3 < 2 ? random_size(1, 3) : 0),
                                     "InfoNCE " + std::to_string(round));
}

TEST("the number of threads changes no bit, the instruction set only float noise") {
  for (const ner_loss loss : {NER_LOSS_TRIPLET, NER_LOSS_INFO_NCE}) {
    const Problem problem = random_problem(loss, true, 0.2f, loss == NER_LOSS_INFO_NCE, 2, 200);
    double value = 0;
    const std::vector<float> expected = gradients(create(NER_SCALAR, problem), problem, 1, &value);
    for (const ner_instruction_set set : available_sets()) {
      const std::vector<float> alone = gradients(create(set, problem), problem, 1, &value);
      for (const unsigned threads : {2u, 3u, 8u})
        CHECK(same_bits(alone, gradients(create(set, problem), problem, threads, &value)), "gradients");
      CHECK(same_bits(parameters_after(create(set, problem), problem, 4, 1),
                      parameters_after(create(set, problem), problem, 4, 3)),
            "steps");
      for (size_t i = 0; i < alone.size(); ++i)
        CHECK(std::fabs(alone[i] - expected[i]) < 1e-5f, ner_instruction_set_name(set));
    }
  }
}

TEST("a seed decides which units are dropped, each step drops others, and their share is right") {
  // Enough units that two draws are never the same by chance.
  Problem problem = random_problem(NER_LOSS_INFO_NCE, false, 0.25f, false, 2);
  while (problem.options.hidden * problem.rows.size() < 300)
    problem = random_problem(NER_LOSS_INFO_NCE, false, 0.25f, false, 2);
  double value = 0;
  const auto at = [&](uint64_t seed, uint64_t steps) {
    problem.options.seed = seed;
    return gradients(create(NER_SCALAR, problem, nullptr, steps), problem, 1, &value);
  };
  CHECK(same_bits(at(5, 0), at(5, 0)), "the same seed");
  CHECK(!same_bits(at(5, 0), at(6, 0)), "another seed");
  CHECK(!same_bits(at(5, 0), at(5, 1)), "another step");

  size_t dropped = 0;
  constexpr uint32_t units = 200000;
  for (uint32_t unit = 0; unit < units; ++unit) dropped += scramble(scramble(unit + 77u) ^ 3u) < (1u << 30) ? 1u : 0u;
  CHECK(std::fabs(static_cast<double>(dropped) / units - 0.25) < 0.005, std::to_string(dropped));
}

TEST("steps go on from a state as if they had not stopped, and bring the loss down") {
  const Problem problem = random_problem(NER_LOSS_INFO_NCE, true, 0.1f, false, 3);
  for (const ner_instruction_set set : available_sets()) {
    const std::vector<float> straight = parameters_after(create(set, problem), problem, 30, 2);
    const Trainer first = create(set, problem);
    parameters_after(first, problem, 11, 2);
    std::vector<float> parameters(problem.parameters.size()), moments_1(parameters), moments_2(parameters);
    uint64_t steps = 0;
    ner_trainer_state(first.get(), parameters.data(), moments_1.data(), moments_2.data(), &steps);
    CHECK(steps == 11, std::to_string(steps));
    ner_trainer *made = nullptr;
    ner_trainer_create(set, nullptr, &problem.options, parameters.data(), moments_1.data(), moments_2.data(), steps,
                       &made);
    CHECK(same_bits(parameters_after(Trainer(made, ner_trainer_destroy), problem, 19, 1), straight), "resumed");

    Problem after = problem;
    after.parameters = straight;
    CHECK(reference_loss(after, std::vector<double>(straight.begin(), straight.end())) <
              reference_loss(problem, std::vector<double>(problem.parameters.begin(), problem.parameters.end())),
          "the loss fell");
  }
}

TEST("a step of AdamW is what its formula says, clipped or not") {
  const Problem problem = random_problem(NER_LOSS_TRIPLET, false, 0.0f, false, 2);
  for (const ner_instruction_set set : available_sets())
    for (const float limit : {0.0f, 0.01f}) {
      double loss = 0, norm = 0;
      const std::vector<float> gradient = gradients(create(set, problem), problem, 1, &loss);
      const Trainer trainer = create(set, problem, nullptr, 6);
      const ner_training_batch batch = problem.batch();
      const ner_update_options update = {0.02f, 0.1f, limit};
      ner_trainer_step(trainer.get(), &batch, &problem.loss, &update, 2, &loss, &norm);
      std::vector<float> parameters(problem.parameters.size()), first(parameters), second(parameters);
      uint64_t steps = 0;
      ner_trainer_state(trainer.get(), parameters.data(), first.data(), second.data(), &steps);
      double squares = 0;
      for (const float each : gradient) squares += static_cast<double>(each) * static_cast<double>(each);
      CHECK(std::fabs(std::sqrt(squares) - norm) < 1e-6 && steps == 7, "norm and steps");
      const double scale = limit > 0 ? std::fmin(1.0, static_cast<double>(limit) / (norm + 1e-6)) : 1.0;
      for (size_t i = 0; i < gradient.size(); ++i) {
        const double g = static_cast<double>(gradient[i]) * scale;
        const double mean = 0.1 * g / (1 - std::pow(0.9, 7)), square = 0.001 * g * g / (1 - std::pow(0.999, 7));
        const double expected =
            static_cast<double>(problem.parameters[i]) * (1 - 0.02 * 0.1) - 0.02 * mean / (std::sqrt(square) + 1e-8);
        CHECK(std::fabs(static_cast<double>(parameters[i]) - expected) < 2e-6,
              std::string(ner_instruction_set_name(set)) + ", " + std::to_string(i));
      }
    }
}

TEST("a loss that is no number changes nothing and is seen") {
  Problem problem = random_problem(NER_LOSS_TRIPLET, false, 0.0f, false, 1);
  std::fill(problem.table.begin(), problem.table.end(), std::numeric_limits<float>::quiet_NaN());
  const Trainer trainer = create(NER_SCALAR, problem);
  const ner_training_batch batch = problem.batch();
  const ner_update_options update = plain_update();
  double loss = 0, norm = 0;
  CHECK(ner_trainer_step(trainer.get(), &batch, &problem.loss, &update, 1, &loss, &norm) == NER_OK, ner_last_error());
  CHECK(std::isnan(loss), std::to_string(loss));
  std::vector<float> parameters(problem.parameters.size()), first(parameters), second(parameters);
  uint64_t steps = 9;
  ner_trainer_state(trainer.get(), parameters.data(), first.data(), second.data(), &steps);
  CHECK(same_bits(parameters, problem.parameters) && steps == 0, "nothing changed");
}

TEST("rows whose projection is zero have no direction and give no gradient") {
  Problem problem = random_problem(NER_LOSS_INFO_NCE, false, 0.0f, true, 1);
  std::fill(problem.parameters.begin(), problem.parameters.end(), 0.0f);
  double loss = 0;
  for (const float each : gradients(create(NER_SCALAR, problem), problem, 1, &loss)) CHECK(each == 0.0f, "zero");
  CHECK(std::isfinite(loss), std::to_string(loss));
}

TEST("what cannot be is refused") {
  Problem problem = random_problem(NER_LOSS_TRIPLET, false, 0.0f, false, 1);
  const Trainer trainer = create(NER_SCALAR, problem);
  std::vector<float> out(problem.parameters.size());
  double value = 0;
  const auto refused = [&](const Problem &wrong, const char *words) {
    const ner_training_batch batch = wrong.batch();
    const bool is = ner_trainer_gradients(trainer.get(), &batch, &wrong.loss, 1, &value, out.data()) == NER_INVALID_ARGUMENT;
    CHECK(is && std::string(ner_last_error()).find(words) != std::string::npos, ner_last_error());
  };
  Problem wrong = problem;
  wrong.rows[0] = 30;
  refused(wrong, "within the 30 of the table");
  wrong = problem;
  wrong.negatives[0] = -1;
  refused(wrong, "rows of the batch");
  wrong = problem;
  wrong.negatives.clear();
  refused(wrong, "at least 1 negative");
  wrong.loss = {NER_LOSS_INFO_NCE, 0, 0.1f};
  refused(wrong, "negatives or a contrast");
  wrong = problem;
  wrong.loss = {NER_LOSS_INFO_NCE, 0, 0};
  refused(wrong, "temperature above 0");

  ner_trainer *made = nullptr;
  ner_trainer_options options = problem.options;
  options.dropout = 1;
  CHECK(ner_trainer_create(NER_SCALAR, nullptr, &options, out.data(), nullptr, nullptr, 0, &made) == NER_INVALID_ARGUMENT,
        "dropout");
  options = problem.options;
  options.hidden = 0;
  CHECK(ner_trainer_create(NER_SCALAR, nullptr, &options, out.data(), nullptr, nullptr, 0, &made) == NER_INVALID_ARGUMENT,
        "dimensions");
  CHECK(made == nullptr, "nothing was made");
}

int main() { return run_all(); }
