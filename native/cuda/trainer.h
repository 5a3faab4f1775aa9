#pragma once

#include <cstdint>

#include "../cpu/training_rules.h"
#include "runtime/device.h"
#include "runtime/device_buffer.h"
#include "train_operations.cuh"

namespace ner_retriever::cuda {

// A head in training on the GPU: what ner_trainer is on the CPU, by the same rules, and with the same units dropped. Made,
// used and destroyed within Device::run.
class Trainer {
 public:
  // Null moments are zeros.
  Trainer(Device &device, const ner_trainer_options &options, const float *parameters, const float *first_moments,
          const float *second_moments, uint64_t steps);

  void state(float *parameters, float *first_moments, float *second_moments, uint64_t *steps);
  // The loss; its slopes are in `gradients`.
  double gradients(const ner_training_batch &batch, const ner_loss_options &loss, float *gradients);
  Outcome step(const ner_training_batch &batch, const ner_loss_options &loss, const ner_update_options &update);

 private:
  struct Pass;  // a batch's way through the head and back

  Device &device_;
  const ner_trainer_options shape_;
  const ParameterLayout layout_;
  const size_t quads_;  // each of the arrays below is filled up to whole quads with zeros
  DeviceBuffer<float> parameters_, first_moments_, second_moments_, gradients_;
  DeviceBuffer<Outcome> outcome_;
  uint64_t steps_;
  bool intact_ = true;  // false when nobody knows whether a step was made

  void learn(const ner_training_batch &batch, const ner_loss_options &loss);
  Outcome read_outcome();
  void expect_intact() const;
};

}  // namespace ner_retriever::cuda
