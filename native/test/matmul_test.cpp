#include "matmul.h"

#include <cmath>
#include <cstring>

#include "harness.h"

using namespace ner_retriever;

namespace {

// A matrix [rows, columns] as a factor that lies one way or the other, with a few elements between its rows.
struct Laid {
  std::vector<float> memory;
  Factor factor;

  Laid(const std::vector<float> &values, size_t rows, size_t columns, bool transposed, size_t gap) {
    const size_t stride = (transposed ? rows : columns) + gap;
    memory.assign(stride * (transposed ? columns : rows), 1e30f);
    for (size_t row = 0; row < rows; ++row)
      for (size_t column = 0; column < columns; ++column)
        memory[transposed ? column * stride + row : row * stride + column] = values[row * columns + column];
    factor = {memory.data(), stride, transposed};
  }
};

}  // namespace

TEST("products of any shape and lie agree with float64, with the kernels and with OpenBLAS") {
  const ner_blas *blas = ner_blas_open(nullptr);
  std::printf("    %s\n", blas == nullptr ? ner_last_error() : ner_blas_version(blas));
  std::vector<std::vector<size_t>> shapes = {{1, 1, 1}, {12, 32, 256}, {13, 33, 257}, {200, 50, 7}, {3, 300, 600}};
  for (int i = 0; i < 12; ++i) shapes.push_back({random_size(1, 150), random_size(1, 150), random_size(1, 600)});
  for (const std::vector<size_t> &shape : shapes) {
    const size_t rows = shape[0], columns = shape[1], depth = shape[2];
    const std::vector<float> a = random_floats(rows * depth), b = random_floats(depth * columns);
    const std::vector<float> before = random_floats(rows * columns);
    std::vector<double> expected(before.begin(), before.end());
    for (size_t row = 0; row < rows; ++row)
      for (size_t step = 0; step < depth; ++step)
        for (size_t column = 0; column < columns; ++column)
          expected[row * columns + column] += static_cast<double>(a[row * depth + step]) *
                                              static_cast<double>(b[step * columns + column]);
    for (const bool a_transposed : {false, true})
      for (const bool b_transposed : {false, true}) {
        const Laid left(a, rows, depth, a_transposed, random_size(0, 3));
        const Laid right(b, depth, columns, b_transposed, random_size(0, 3));
        const auto run = [&](ner_instruction_set set, const ner_blas *with, size_t threads) {
          std::vector<float> sum = before;
          MatmulScratch scratch;
          ThreadTeam team(threads);
          matmul(*kernels_for(set), with, scratch, team, rows, columns, depth, left.factor, right.factor, sum.data());
          double worst = 0;
          for (size_t i = 0; i < sum.size(); ++i)
            worst = std::fmax(worst, std::fabs(static_cast<double>(sum[i]) - expected[i]));
          const std::string about = std::string(with != nullptr ? "OpenBLAS" : ner_instruction_set_name(set)) + " " +
                                    std::to_string(rows) + " x " + std::to_string(columns) + " x " +
                                    std::to_string(depth);
          CHECK(worst < 1e-5 * std::sqrt(static_cast<double>(depth)) + 1e-5, about + ", " + std::to_string(worst));
          return sum;
        };
        for (const ner_instruction_set set : available_sets()) {
          const std::vector<float> alone = run(set, nullptr, 1);
          const std::vector<float> together = run(set, nullptr, 3);
          CHECK(std::memcmp(alone.data(), together.data(), alone.size() * sizeof(float)) == 0,
                "threads change no bit");
        }
        if (blas != nullptr) run(NER_SCALAR, blas, 1), run(NER_SCALAR, blas, 3);
      }
  }
}

TEST("an OpenBLAS that is none is a reason") {
  CHECK(ner_blas_open("/nowhere/libopenblas.so.0") == nullptr, "nothing is there");
  CHECK(std::string(ner_last_error()).find("install libopenblas0") != std::string::npos, ner_last_error());
  if (const ner_blas *blas = ner_blas_open(nullptr)) {
    CHECK(ner_blas_open(nullptr) == blas, "it is opened once");
    CHECK(ner_blas_keeps_up(blas, NER_SCALAR) == 1 && ner_blas_keeps_up(blas, NER_AVX2) == 1, ner_blas_version(blas));
  }
  if (const ner_blas *there = ner_blas_open("libm.so.6")) CHECK(there == nullptr, "libm is no BLAS");
}

int main() { return run_all(); }
