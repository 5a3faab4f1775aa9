#include "ner_retriever/pooling.h"

#include <cmath>
#include <limits>

#include "harness.h"

namespace {

std::vector<float> pool(ner_instruction_set set, const std::vector<float> &rows, size_t dimensions,
                        const std::vector<int32_t> &spans, ner_pooling pooling) {
  std::vector<float> out(spans.size() / 2 * dimensions * (pooling == NER_POOL_FIRST_LAST ? 2 : 1), -7.0f);
  CHECK(ner_pool_spans(set, rows.data(), rows.size() / dimensions, dimensions, spans.data(), spans.size() / 2, pooling,
                       out.data()) == NER_OK,
        ner_last_error());
  return out;
}

}  // namespace

TEST("last, first, mean and first+last agree with float64 on random spans") {
  for (int round = 0; round < 60; ++round) {
    const size_t dimensions = round < 40 ? static_cast<size_t>(round) + 1 : random_size(1, 700);
    const size_t tokens = random_size(1, 40);
    const std::vector<float> rows = random_floats(tokens * dimensions);
    std::vector<int32_t> spans;
    for (size_t span = 0; span < 20; ++span) {
      const size_t begin = random_size(0, tokens - 1);
      spans.push_back(static_cast<int32_t>(begin));
      spans.push_back(static_cast<int32_t>(random_size(begin + 1, tokens)));
    }
    for (const ner_instruction_set set : available_sets()) {
      const std::vector<float> last = pool(set, rows, dimensions, spans, NER_POOL_LAST);
      const std::vector<float> first = pool(set, rows, dimensions, spans, NER_POOL_FIRST);
      const std::vector<float> mean = pool(set, rows, dimensions, spans, NER_POOL_MEAN);
      const std::vector<float> both = pool(set, rows, dimensions, spans, NER_POOL_FIRST_LAST);
      for (size_t span = 0; span < spans.size() / 2; ++span)
        for (size_t column = 0; column < dimensions; ++column) {
          const auto begin = static_cast<size_t>(spans[2 * span]);
          const auto end = static_cast<size_t>(spans[2 * span + 1]);
          double sum = 0;
          for (size_t row = begin; row < end; ++row) sum += static_cast<double>(rows[row * dimensions + column]);
          const size_t at = span * dimensions + column;
          const std::string about = std::string(ner_instruction_set_name(set)) + ", " + std::to_string(dimensions) +
                                    " dimensions, column " + std::to_string(column);
          CHECK(last[at] == rows[(end - 1) * dimensions + column], about);
          CHECK(first[at] == rows[begin * dimensions + column], about);
          CHECK(both[span * 2 * dimensions + column] == first[at], about);
          CHECK(both[(span * 2 + 1) * dimensions + column] == last[at], about);
          CHECK(std::fabs(static_cast<double>(mean[at]) - sum / static_cast<double>(end - begin)) < 1e-6, about);
        }
    }
  }
}

TEST("spans that are empty, reversed or outside are refused; none at all is fine") {
  const std::vector<float> rows(6);
  float out[2];
  for (const std::vector<int32_t> &span : std::vector<std::vector<int32_t>>{
           {0, 0}, {2, 1}, {-1, 1}, {0, 4}, {3, 4}, {std::numeric_limits<int32_t>::max(), 1}})
    CHECK(ner_pool_spans(NER_SCALAR, rows.data(), 3, 2, span.data(), 1, NER_POOL_MEAN, out) == NER_INVALID_ARGUMENT,
          std::to_string(span[0]));
  CHECK(ner_pool_spans(NER_SCALAR, nullptr, 0, 2, nullptr, 0, NER_POOL_LAST, nullptr) == NER_OK, "no spans");
  CHECK(ner_pool_spans(NER_SCALAR, rows.data(), 3, 0, nullptr, 0, NER_POOL_LAST, out) == NER_INVALID_ARGUMENT,
        "0 dimensions");
}

TEST("NaN in one token stays in the spans that hold it") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rows(3 * 33, 1.0f);
  rows[33] = nan;
  for (const ner_instruction_set set : available_sets()) {
    const std::vector<float> mean = pool(set, rows, 33, {0, 1, 0, 2, 2, 3}, NER_POOL_MEAN);
    CHECK(mean[0] == 1.0f && std::isnan(mean[33]) && mean[34] == 1.0f && mean[66] == 1.0f,
          ner_instruction_set_name(set));
  }
}

int main() { return run_all(); }
