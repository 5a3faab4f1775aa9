#pragma once

#include <cstdint>

#include "cpu/training_rules.h"
#include "runtime/device.h"
#include "runtime/device_memory.h"
#include "train_operations.cuh"
#include "train_plan.h"

namespace ner_retriever::cuda {

// A head in training on the GPU: what ner_trainer is on the CPU, with the same rules and the same units dropped.
class Trainer {
 public:
  // Null moments are zeros.
  Trainer(Device &device, const ner_trainer_options &options, const float *parameters, const float *first_moments,
          const float *second_moments, uint64_t steps);

  void state(float *parameters, float *first_moments, float *second_moments, uint64_t *steps);
  double gradients(const ner_training_batch &batch, const ner_loss_options &loss, float *gradients);
  Outcome step(const ner_training_batch &batch, const ner_loss_options &loss, const ner_update_options &update);

 private:
  // Device memory for results of one size or another: it grows and is used again.
  template <class T>
  class Values;
};

}  // namespace ner_retriever::cuda
