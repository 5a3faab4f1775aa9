#include <cmath>
#include <vector>

#include "cuda_api.h"
#include "last_error.h"
#include "ner_retriever/cuda_device.h"

// A driver that is half installed, or a card that is ill, shows in what it answers. Both trials are of numbers that bfloat16
// holds exactly, so that the answers are exact whatever multiplies; and large enough for whole tiles of a kernel and a rest.

namespace ner_retriever {

namespace {

constexpr size_t input = 72, output = 40, row_count = 130;

float small_number(size_t i) { return static_cast<float>(static_cast<int>(i * 7919 % 17) - 8); }

std::vector<float> small_numbers(size_t count) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = small_number(i);
  return numbers;
}

// One layer, whose rows are divided by their lengths.
ner_status try_product(const std::shared_ptr<CudaDevice> &device) {
  const std::vector<float> rows = small_numbers(row_count * input), weight = small_numbers(output * input),
                           bias = small_numbers(output);
  const ner_linear_layer layer = {weight.data(), bias.data(), output};
  std::unique_ptr<CudaProjection> projection;
  ner_status status = CudaProjection::create(device, &layer, 1, input, &projection);
  std::vector<float> out(row_count * output, NAN);
  if (status == NER_OK) status = projection->run(rows.data(), row_count, out.data());
  if (status != NER_OK) return status;
  for (size_t row = 0; row < row_count; ++row) {
    double expected[output], squares = 0;
    for (size_t column = 0; column < output; ++column) {
      double sum = bias[column];
      for (size_t i = 0; i < input; ++i)
        sum += static_cast<double>(rows[row * input + i]) * static_cast<double>(weight[column * input + i]);
      expected[column] = sum;
      squares += sum * sum;
    }
    for (size_t column = 0; column < output; ++column) {
      const double difference = expected[column] / std::sqrt(squares) - static_cast<double>(out[row * output + column]);
      // Written so that NaN is wrong too.
      if (!(std::fabs(difference) < 1e-5)) return fail(NER_FAILED, "it multiplied wrong");
    }
  }
  return NER_OK;
}

// Every row a document of its own; sums of whole numbers are exact.
ner_status try_search(CudaDevice &device) {
  const ner_cuda_api &api = device.api();
  const std::vector<float> vectors = small_numbers(row_count * input), query = small_numbers(input);
  std::vector<float> expected(row_count);
  size_t best = 0;
  for (size_t row = 0; row < row_count; ++row) {
    for (size_t i = 0; i < input; ++i) expected[row] += vectors[row * input + i] * query[i];
    if (expected[row] > expected[best]) best = row;
  }

  ner_segment segment = {};
  segment.vectors = vectors.data();
  segment.count = row_count;
  ner_cuda_rows *rows = nullptr;
  ner_status status = api.rows_create(device.native(), NER_FLOAT32, input, &rows);
  if (status != NER_OK) return device.handed_on(status);
  float score = NAN;
  uint32_t found_row = 0;
  size_t count = 0;
  const ner_cuda_found found = {1, &score, &found_row, &count};
  status = api.rows_append(rows, &segment);
  if (status == NER_OK) status = api.rows_search(rows, row_count, nullptr, query.data(), 1, 1, &found);
  const ner_status searched = device.handed_on(status);
  api.rows_destroy(rows);
  if (searched != NER_OK) return searched;
  const bool right = count == 1 && found_row == best && score == expected[best];
  return right ? NER_OK : fail(NER_FAILED, "it searched wrong");
}

}  // namespace

ner_status try_cuda(const std::shared_ptr<CudaDevice> &device) noexcept {
  try {
    const ner_status status = try_product(device);
    return status == NER_OK ? try_search(*device) : status;
  } catch (...) {
    return fail_with_current_exception();
  }
}

}  // namespace ner_retriever
