#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ner_retriever/training.h"

namespace ner_retriever::cuda {

// A batch as the device takes it: one array of numbers, sent in one piece, and where in it each list begins. What the
// lists mean stands at Pairs and Uses in train_operations.cuh.
//
// Sources are numbered on from the rows: with a contrast, row_count + e is what all positives together do to the anchor of
// example e, and row_count + example_count + e what all anchors do to its positive.
struct TrainingPlan {
  std::vector<int32_t> numbers;
  size_t anchors, positives, others, starts, sources, factors;

  explicit TrainingPlan(const ner_training_batch &batch);
};

}  // namespace ner_retriever::cuda
