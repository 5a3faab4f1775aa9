#include "train_plan.h"

#include <algorithm>

namespace ner_retriever::cuda {

namespace {

// Calls visit(row, source, factor) for each use of a row, always in the same order.
template <class Visit>
void for_each_use(const ner_training_batch &batch, const int32_t *others, const Visit &visit) {
  const size_t each = 1 + batch.negative_count;
  for (size_t pair = 0; pair < batch.example_count * each; ++pair) {
    const int32_t anchor = batch.anchors[pair / each], other = others[pair];
    visit(anchor, other, static_cast<int32_t>(pair));
    visit(other, anchor, static_cast<int32_t>(pair));
  }
  if (batch.contrast == nullptr) return;
  for (size_t example = 0; example < batch.example_count; ++example) {
    visit(batch.anchors[example], static_cast<int32_t>(batch.row_count + example), -1);
    visit(batch.positives[example], static_cast<int32_t>(batch.row_count + batch.example_count + example), -1);
  }
}

}  // namespace

TrainingPlan::TrainingPlan(const ner_training_batch &batch) {
  const size_t examples = batch.example_count, each = 1 + batch.negative_count;
  const size_t uses = 2 * examples * each + (batch.contrast != nullptr ? 2 * examples : 0);
  anchors = 0;
  positives = anchors + examples;
  others = positives + examples;
  starts = others + examples * each;
  sources = starts + batch.row_count + 1;
  factors = sources + uses;
  numbers.resize(factors + uses);

  std::copy_n(batch.anchors, examples, &numbers[anchors]);
  std::copy_n(batch.positives, examples, &numbers[positives]);
  int32_t *other = &numbers[others];
  for (size_t example = 0; example < examples; ++example) {
    *other++ = batch.positives[example];
    other = std::copy_n(batch.negatives + example * batch.negative_count, batch.negative_count, other);
  }

  // How many uses each row has; where they begin; the uses, each behind those of its row that came before.
  int32_t *start = &numbers[starts];
  const auto count = [&](int32_t row, int32_t, int32_t) { ++start[row + 1]; };
  for_each_use(batch, &numbers[others], count);
  for (size_t row = 0; row < batch.row_count; ++row) start[row + 1] += start[row];
  std::vector<int32_t> next(start, start + batch.row_count);
  for_each_use(batch, &numbers[others], [&](int32_t row, int32_t source, int32_t factor) {
    const auto place = static_cast<size_t>(next[static_cast<size_t>(row)]++);
    numbers[sources + place] = source;
    numbers[factors + place] = factor;
  });
}

}  // namespace ner_retriever::cuda
