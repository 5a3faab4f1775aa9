#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ner_retriever/training.h"

// What holds for the training of a head wherever it is done.
namespace ner_retriever {

// Where each parameter begins in the one array of all.
struct ParameterLayout {
  size_t gate, weight_1, bias_1, weight_2, bias_2, count;

  explicit ParameterLayout(const ner_trainer_options &options)
      : gate(0),
        weight_1(options.gate != 0 ? options.input : 0),
        bias_1(weight_1 + options.hidden * options.input),
        weight_2(bias_1 + options.hidden),
        bias_2(weight_2 + options.output * options.hidden),
        count(bias_2 + options.output) {}
};

// Decides, with a unit's place, whether it is dropped. Each step has units of its own; steps are far apart in the sequence
// of the seed.
inline uint64_t dropout_key(uint64_t seed, uint64_t steps) {
  return seed * 0x9e3779b97f4a7c15u + steps * 0xd1b54a32d192ed03u;
}

// Why something is refused; empty where it is not.
using Refusal = std::string;

inline Refusal refusal(const ner_trainer_options &options) {
  for (const size_t size : {options.input, options.hidden, options.output})
    if (size == 0 || size > 1 << 20) return "expected from 1 to 1048576 dimensions, got " + std::to_string(size);
  if (!(options.dropout >= 0 && options.dropout < 1))
    return "expected a dropout from 0 to below 1, got " + std::to_string(options.dropout);
  return {};
}

inline Refusal refusal(const ner_training_batch &batch, const ner_loss_options &loss) {
  const auto all_within = [](const int32_t *places, size_t count, size_t limit) {
    return std::all_of(places, places + count,
                       [limit](int32_t place) { return place >= 0 && static_cast<size_t>(place) < limit; });
  };
  const size_t examples = batch.example_count;
  if (examples == 0) return "expected at least 1 example, got 0";
  if (!all_within(batch.rows, batch.row_count, batch.table_count))
    return "expected rows within the " + std::to_string(batch.table_count) + " of the table";
  if (!all_within(batch.anchors, examples, batch.row_count) || !all_within(batch.positives, examples, batch.row_count) ||
      !all_within(batch.negatives, examples * batch.negative_count, batch.row_count))
    return "expected anchors, positives and negatives within the " + std::to_string(batch.row_count) +
           " rows of the batch";
  if (loss.loss == NER_LOSS_TRIPLET) {
    if (batch.negative_count == 0) return "the triplet loss needs at least 1 negative an example, got 0";
    if (batch.contrast != nullptr) return "the triplet loss knows no contrast: name the rows as negatives";
    if (!std::isfinite(loss.margin)) return "expected a finite margin";
  } else if (loss.loss == NER_LOSS_INFO_NCE) {
    if (batch.negative_count == 0 && batch.contrast == nullptr)
      return "InfoNCE needs negatives or a contrast, got neither";
    if (!(loss.temperature > 0) || !std::isfinite(loss.temperature))
      return "expected a temperature above 0, got " + std::to_string(loss.temperature);
  } else {
    return "expected the triplet loss or InfoNCE";
  }
  return {};
}

inline Refusal refusal(const ner_update_options &update) {
  if (!std::isfinite(update.learning_rate) || !std::isfinite(update.weight_decay) || !(update.maximum_gradient_norm >= 0))
    return "expected a finite learning rate and weight decay, and a maximum gradient norm of at least 0";
  return {};
}

}  // namespace ner_retriever
