#include "ner_retriever/pooling.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "cuda_test.h"

namespace {

constexpr ner_pooling all_poolings[] = {NER_POOL_LAST, NER_POOL_FIRST, NER_POOL_MEAN, NER_POOL_FIRST_LAST};

size_t columns_of(ner_pooling pooling, size_t dimensions) {
  return pooling == NER_POOL_FIRST_LAST ? 2 * dimensions : dimensions;
}

std::vector<int32_t> random_spans(size_t count, size_t tokens, size_t longest) {
  std::vector<int32_t> spans;
  for (size_t span = 0; span < count; ++span) {
    const size_t begin = random_size(0, tokens - 1);
    spans.push_back(static_cast<int32_t>(begin));
    spans.push_back(static_cast<int32_t>(random_size(begin + 1, std::min(tokens, begin + longest))));
  }
  return spans;
}

std::vector<float> pool(ner_cuda_device *device, const std::vector<float> &rows, size_t dimensions,
                        const std::vector<int32_t> &spans, ner_pooling pooling) {
  std::vector<float> out(spans.size() / 2 * columns_of(pooling, dimensions), 1e30f);
  CHECK_OK(api().pool_spans(device, rows.data(), rows.size() / dimensions, dimensions, spans.data(), spans.size() / 2,
                            pooling, out.data()));
  return out;
}

bool same_bits(const std::vector<float> &left, const std::vector<float> &right) {
  return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0;
}

std::string describe(ner_pooling pooling, size_t dimensions) {
  return "pooling " + std::to_string(pooling) + ", " + std::to_string(dimensions) + " dimensions";
}

}  // namespace

CUDA_TEST("pooling agrees with float64 on random spans") {
  const TestDevice device;
  for (const size_t dimensions : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}, size_t{31}, size_t{33}, size_t{64},
                                  size_t{127}, size_t{128}, size_t{129}, size_t{500}, size_t{1024}, random_size(1, 700)}) {
    const size_t tokens = random_size(1, 60);
    const std::vector<float> rows = random_floats(tokens * dimensions);
    const std::vector<int32_t> spans = random_spans(random_size(1, 40), tokens, 60);
    const std::vector<float> last = pool(device, rows, dimensions, spans, NER_POOL_LAST);
    const std::vector<float> first = pool(device, rows, dimensions, spans, NER_POOL_FIRST);
    const std::vector<float> mean = pool(device, rows, dimensions, spans, NER_POOL_MEAN);
    const std::vector<float> both = pool(device, rows, dimensions, spans, NER_POOL_FIRST_LAST);
    for (size_t span = 0; span < spans.size() / 2; ++span) {
      const auto begin = static_cast<size_t>(spans[2 * span]);
      const auto end = static_cast<size_t>(spans[2 * span + 1]);
      for (size_t column = 0; column < dimensions; ++column) {
        double sum = 0;
        for (size_t row = begin; row < end; ++row) sum += static_cast<double>(rows[row * dimensions + column]);
        const size_t at = span * dimensions + column;
        const std::string about = std::to_string(dimensions) + " dimensions, column " + std::to_string(column);
        CHECK(last[at] == rows[(end - 1) * dimensions + column], about);
        CHECK(first[at] == rows[begin * dimensions + column], about);
        CHECK(both[span * 2 * dimensions + column] == first[at], about);
        CHECK(both[(span * 2 + 1) * dimensions + column] == last[at], about);
        CHECK(std::fabs(static_cast<double>(mean[at]) - sum / static_cast<double>(end - begin)) < 1e-6, about);
      }
    }
  }
}

CUDA_TEST("pooled vectors are the CPU's, bit for bit") {
  const TestDevice device;
  for (const size_t dimensions : {size_t{7}, size_t{96}, size_t{500}}) {
    const std::vector<float> rows = random_floats(50 * dimensions);
    const std::vector<int32_t> spans = random_spans(70, 50, 50);
    for (const ner_pooling pooling : all_poolings) {
      std::vector<float> expected(spans.size() / 2 * columns_of(pooling, dimensions));
      CHECK(ner_pool_spans(NER_SCALAR, rows.data(), 50, dimensions, spans.data(), spans.size() / 2, pooling,
                           expected.data()) == NER_OK,
            ner_last_error());
      CHECK(same_bits(pool(device, rows, dimensions, spans, pooling), expected), describe(pooling, dimensions));
    }
  }
}

CUDA_TEST("a span's bits depend neither on the others nor on how many go up at a time") {
  const TestDevice device;
  const size_t dimensions = 37;
  const std::vector<float> rows = random_floats(400 * dimensions);
  const std::vector<int32_t> spans = random_spans(150, 400, 90);
  for (const ner_pooling pooling : all_poolings) {
    const std::vector<float> together = pool(device, rows, dimensions, spans, pooling);
    const size_t columns = columns_of(pooling, dimensions);
    for (size_t span = 0; span < 150; span += 11) {
      const std::vector<float> alone = pool(device, rows, dimensions, {spans[2 * span], spans[2 * span + 1]}, pooling);
      CHECK(std::memcmp(alone.data(), together.data() + span * columns, columns * sizeof(float)) == 0,
            describe(pooling, dimensions));
    }
    // A staging buffer of 27 rows; memory for one of them at a time, or for the longest span and no more.
    for (const size_t limit : {size_t{0}, size_t{64} << 10}) {
      const TestDevice small(ner_cuda_device_options{limit, 4096, ""});
      CHECK(same_bits(pool(small, rows, dimensions, spans, pooling), together),
            describe(pooling, dimensions) + ", limit " + std::to_string(limit));
      CHECK(limit == 0 || small.held() <= limit, std::to_string(small.held()));
    }
  }
}

CUDA_TEST("what does not fit the GPU's memory is refused, and the device is well") {
  const TestDevice device(ner_cuda_device_options{size_t{64} << 10, 4096, ""});
  const std::vector<float> rows = random_floats(3000 * 16);
  std::vector<float> out(16, 1e30f);
  const int32_t whole[] = {0, 3000};
  CHECK(api().pool_spans(device, rows.data(), 3000, 16, whole, 1, NER_POOL_MEAN, out.data()) == NER_OUT_OF_MEMORY,
        "192,000 bytes of one span");
  CHECK(std::string(api().last_error()).find("memory") != std::string::npos, api().last_error());
  CHECK_OK(api().pool_spans(device, rows.data(), 3000, 16, whole, 1, NER_POOL_LAST, out.data()));
  CHECK(std::memcmp(out.data(), rows.data() + 2999 * 16, 16 * sizeof(float)) == 0, "the next call");
}

CUDA_TEST("spans that are empty, reversed or outside are refused; none at all is fine") {
  const TestDevice device;
  const std::vector<float> rows(6);
  float out[2];
  for (const std::vector<int32_t> &span : std::vector<std::vector<int32_t>>{
           {0, 0}, {2, 1}, {-1, 1}, {0, 4}, {3, 4}, {std::numeric_limits<int32_t>::max(), 1}}) {
    CHECK(api().pool_spans(device, rows.data(), 3, 2, span.data(), 1, NER_POOL_MEAN, out) == NER_INVALID_ARGUMENT,
          std::to_string(span[0]));
    CHECK(std::string(api().last_error()).find("expected a non-empty range within 3 token rows") != std::string::npos,
          api().last_error());
  }
  CHECK_OK(api().pool_spans(device, nullptr, 0, 2, nullptr, 0, NER_POOL_LAST, nullptr));
  CHECK(api().pool_spans(device, rows.data(), 3, 0, nullptr, 0, NER_POOL_LAST, out) == NER_INVALID_ARGUMENT, "0 dimensions");
}

CUDA_TEST("NaN in one token stays in the spans that hold it") {
  const TestDevice device;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rows(3 * 33, 1.0f);
  rows[33] = nan;
  const std::vector<float> mean = pool(device, rows, 33, {0, 1, 0, 2, 2, 3}, NER_POOL_MEAN);
  CHECK(mean[0] == 1.0f && std::isnan(mean[33]) && mean[34] == 1.0f && mean[66] == 1.0f, "mean");
}
