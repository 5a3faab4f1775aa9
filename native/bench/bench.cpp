// Times the native operations against what the machine can do, in one run: `bench [--json] [--threads N] [--rows N]`.
//
// Units: GB/s are 1e9 bytes of rows a second, each row counted once a search; GFLOP/s are 1e9 multiplications and
// additions a second. Every figure is the best of several runs. The floor of a one-query scan is a plain vectorised sum
// over the same bytes with the same threads: nothing can answer from rows that it has not read.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kernels.h"
#include "matmul.h"
#include "ner_retriever/blas.h"
#include "ner_retriever/faiss.h"
#include "ner_retriever/instruction_set.h"
#include "ner_retriever/projection.h"
#include "ner_retriever/search.h"
#include "run_on_threads.h"

#ifdef NER_RETRIEVER_BENCH_BLAS
extern "C" {
void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);
void openblas_set_num_threads(int threads);
char *openblas_get_corename(void);
}
#endif

namespace {

bool json = false;
bool first_line = true;

void report(const std::string &what, const std::string &set, double milliseconds, double figure, const char *unit) {
  if (json)
    std::printf("%s\n  {\"what\": \"%s\", \"on\": \"%s\", \"milliseconds\": %.3f, \"%s\": %.1f}", first_line ? "[" : ",",
                what.c_str(), set.c_str(), milliseconds, unit, figure);
  else
    std::printf("%-52s %-18s %10.3f ms %8.1f %s\n", what.c_str(), set.c_str(), milliseconds, figure, unit);
  first_line = false;
}

// The best time of one call, over at least three calls and half a second.
template <class Work>
double best_milliseconds(const Work &work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  const auto begin = Clock::now();
  for (int round = 0; round < 3 || Clock::now() - begin < std::chrono::milliseconds(500); ++round) {
    const auto start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return best;
}

std::vector<float> random_floats(size_t count) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float &value : values) value = uniform(generator);
  return values;
}

float sum_part(const float *values, size_t count) {
  // Independent sums, so that the compiler's vectors are limited by memory and not by the latency of an addition.
  float sums[64] = {};
  for (size_t i = 0; i + 64 <= count; i += 64)
    for (size_t lane = 0; lane < 64; ++lane) sums[lane] += values[i + lane];
  float sum = 0;
  for (const float value : sums) sum += value;
  return sum;
}

void bench_scan(size_t row_count, size_t dimensions, unsigned threads) {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  const double gigabytes = static_cast<double>(rows.size()) * sizeof(float) / 1e9;
  const std::string shape = std::to_string(row_count) + " x " + std::to_string(dimensions);

  // Threads take the next 128 KiB when they are free, as the scan's do.
  constexpr size_t block = 32 * 1024;
  std::vector<float> sums(threads);
  const double floor = best_milliseconds([&] {
    std::atomic<size_t> next{0};
    ner_retriever::run_on_threads(threads, [&](size_t thread) {
      for (size_t begin; (begin = next.fetch_add(block)) < rows.size();)
        sums[thread] += sum_part(rows.data() + begin, std::min(block, rows.size() - begin));
    });
  });
  report("sum over " + shape + " (the floor)", "compiler", floor, gigabytes / floor * 1e3, "GB/s");

  const auto report_scan = [&](const std::string &set, size_t query_count, double time) {
    const std::string what = "scan " + shape + ", " + std::to_string(query_count) + " queries, top 100";
    if (query_count == 1)
      report(what, set, time, gigabytes / time * 1e3, "GB/s");
    else
      report(what, set, time, 2e-6 * static_cast<double>(row_count * dimensions * query_count) / time, "GFLOP/s");
  };
  const std::vector<float> queries = random_floats(64 * dimensions);
  std::vector<float> scores(64 * 100);
  std::vector<uint32_t> found(64 * 100);
  std::vector<size_t> counts(64);
  for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512}) {
    if (!ner_instruction_set_available(set)) continue;
    for (const size_t query_count : {size_t{1}, size_t{8}, size_t{64}}) {
      ner_segment segment{};
      segment.vectors = rows.data();
      segment.count = row_count;
      const ner_segments segments = {NER_FLOAT32, dimensions, &segment, 1};
      report_scan(ner_instruction_set_name(set), query_count, best_milliseconds([&] {
                    ner_search_top_k(set, &segments, nullptr, queries.data(), query_count, 100, threads, scores.data(),
                                     found.data(), counts.data(), nullptr);
                  }));
    }
  }

#ifdef NER_RETRIEVER_BENCH_FAISS
  const ner_faiss_api *faiss = ner_retriever::load_faiss(NER_RETRIEVER_BENCH_FAISS);
  if (faiss == nullptr) return;
  std::unique_ptr<ner_retriever::FaissIndex> index;
  if (ner_retriever::FaissIndex::create(*faiss, "Flat", dimensions, &index) != NER_OK ||
      index->add(rows.data(), row_count, threads) != NER_OK)
    return;
  std::vector<uint32_t> faiss_counts(64);
  for (const size_t query_count : {size_t{1}, size_t{8}, size_t{64}})
    report_scan("FAISS Flat", query_count, best_milliseconds([&] {
                  index->search(queries.data(), query_count, 100, {}, threads, scores.data(), found.data(),
                                faiss_counts.data());
                }));
#endif
}

void bench_projection(size_t row_count, size_t input, size_t hidden, size_t output) {
  const std::vector<float> rows = random_floats(row_count * input);
  const std::vector<float> weight_1 = random_floats(hidden * input);
  const std::vector<float> weight_2 = random_floats(output * hidden);
  const std::vector<float> bias = random_floats(std::max(hidden, output));
  const double flops = 2e-6 * static_cast<double>(row_count) * static_cast<double>(input * hidden + hidden * output);
  const std::string what = "project " + std::to_string(row_count) + " rows, " + std::to_string(input) + " -> " +
                           std::to_string(hidden) + " -> " + std::to_string(output);
  std::vector<float> out(row_count * output);
  const ner_linear_layer layers[] = {{weight_1.data(), bias.data(), hidden}, {weight_2.data(), bias.data(), output}};
  for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512}) {
    if (!ner_instruction_set_available(set)) continue;
    ner_projection *projection = nullptr;
    if (ner_projection_create(set, layers, 2, input, &projection) != NER_OK) std::abort();
    const double time = best_milliseconds([&] { ner_projection_run(projection, rows.data(), row_count, out.data()); });
    ner_projection_destroy(projection);
    report(what, ner_instruction_set_name(set), time, flops / time, "GFLOP/s");
  }
#ifdef NER_RETRIEVER_BENCH_BLAS
  // The two products alone: no bias, no SiLU, no norm.
  openblas_set_num_threads(1);
  std::vector<float> middle(row_count * hidden);
  const auto size = [](size_t value) { return static_cast<int>(value); };
  const double time = best_milliseconds([&] {
    constexpr int row_major = 101, plain = 111, transposed = 112;
    cblas_sgemm(row_major, plain, transposed, size(row_count), size(hidden), size(input), 1, rows.data(), size(input),
                weight_1.data(), size(input), 0, middle.data(), size(hidden));
    cblas_sgemm(row_major, plain, transposed, size(row_count), size(output), size(hidden), 1, middle.data(),
                size(hidden), weight_2.data(), size(hidden), 0, out.data(), size(output));
  });
  report(what + ", matmuls alone", std::string("OpenBLAS ") + openblas_get_corename(), time, flops / time, "GFLOP/s");
#endif
}

// Pairs of timings taken in turn, so that both see the same machine: the median of the ratios says more than the times.
template <class One, class Other>
double median_ratio(const One &one, const Other &other) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](const auto &work) {
    const auto start = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  std::vector<double> ratios;
  for (int round = 0; round < 41; ++round) {
    const double first = seconds(one);
    ratios.push_back(first / seconds(other));
  }
  std::nth_element(ratios.begin(), ratios.begin() + 20, ratios.end());
  return ratios[20];
}

// The products of a training step: 384 rows (128 examples with a negative each) through a layer, its gradients by the
// rows, and its gradients by the weights. The library's kernels, and the fraction of OpenBLAS that they reach.
void bench_training_matmul(size_t rows, size_t input, size_t output, unsigned threads) {
  using namespace ner_retriever;
  const std::vector<float> x = random_floats(rows * input), weight = random_floats(output * input),
                           y = random_floats(rows * output);
  std::vector<float> sum(std::max({rows * input, rows * output, output * input}));
  const ner_blas *blas = ner_blas_open(nullptr);
  ThreadTeam team(threads);
  struct Product {
    const char *name;
    size_t rows, columns, depth;
    Factor a, b;
  };
  const Product products[] = {
      {"forward", rows, output, input, {x.data(), input, false}, {weight.data(), input, true}},
      {"by rows", rows, input, output, {y.data(), output, false}, {weight.data(), input, false}},
      {"by weights", output, input, rows, {y.data(), output, true}, {x.data(), input, false}},
  };
  const double flops = 2e-6 * static_cast<double>(rows * input * output);
  for (const Product &product : products) {
    const std::string what = std::string("training, ") + product.name + ", " + std::to_string(rows) + " x " +
                             std::to_string(input) + " -> " + std::to_string(output);
    const auto work = [&](ner_instruction_set set, const ner_blas *with) {
      static MatmulScratch scratch;
      matmul(*kernels_for(set), with, scratch, team, product.rows, product.columns, product.depth, product.a, product.b,
             sum.data());
    };
    if (blas != nullptr) {
      const double time = best_milliseconds([&] { work(NER_SCALAR, blas); });
      report(what, "OpenBLAS", time, flops / time, "GFLOP/s");
    }
    for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512}) {
      if (!ner_instruction_set_available(set)) continue;
      const double time = best_milliseconds([&] { work(set, nullptr); });
      report(what, ner_instruction_set_name(set), time, flops / time, "GFLOP/s");
      if (blas != nullptr) {
        const double fraction = median_ratio([&] { work(NER_SCALAR, blas); }, [&] { work(set, nullptr); });
        report(what + ", of OpenBLAS", ner_instruction_set_name(set), time, 100 * fraction, "%");
      }
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  size_t rows = 200000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
      threads = static_cast<unsigned>(std::max(1, std::atoi(argv[++i])));
    } else if (std::strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
      rows = static_cast<size_t>(std::max(1, std::atoi(argv[++i])));
    } else {
      std::fprintf(stderr, "bench [--json] [--threads N] [--rows N]\n");
      return 2;
    }
  }
  if (!json) std::printf("scan and training: %u threads; projection: 1 thread\n", threads);
  bench_scan(rows, 512, threads);
  bench_projection(2048, 1024, 500, 500);
  bench_projection(2048, 256, 256, 256);
  bench_projection(1, 1024, 500, 500);
  bench_training_matmul(384, 384, 500, threads);
  bench_training_matmul(384, 1024, 500, threads);
  if (json) std::printf("\n]\n");
  return 0;
}
