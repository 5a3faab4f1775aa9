// The exact int8 scan against what the machine can do, the float32 scan and FAISS (where it is built), in one run:
// `int8_bench [--threads N] [--rows N]`.
//
// Rows and queries have length one and lie in clusters, as mentions of types do. The floor of a one-query scan is a
// vectorised sum over the same warm codes with the same threads. Each figure is the best of several runs, and what is
// compared takes turns, so that a busy machine is busy for all of them. GB/s are 1e9 bytes of codes (or of float32 rows)
// a second, each row counted once a search; "x floor" is the time of the search by that of the sum over the codes.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ner_retriever/faiss.h"
#include "ner_retriever/instruction_set.h"
#include "ner_retriever/int8_scan.h"
#include "ner_retriever/search.h"
#include "run_on_threads.h"

namespace {

constexpr size_t limit = 100;

// rows [count, dimensions]: a centre of one of a thousand clusters and a deviation as long as `spread`, divided by the
// length of the sum.
std::vector<float> clustered_rows(size_t count, size_t dimensions, float spread, unsigned seed) {
  const auto normals = [dimensions](std::mt19937 &generator, float *to) {
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < dimensions; ++i) to[i] = normal(generator);
  };
  std::mt19937 centre_generator(7);
  std::vector<float> centres(1000 * dimensions);
  for (size_t centre = 0; centre < 1000; ++centre) normals(centre_generator, centres.data() + centre * dimensions);

  std::mt19937 generator(seed);
  std::vector<float> rows(count * dimensions);
  for (size_t row = 0; row < count; ++row) {
    float *mine = rows.data() + row * dimensions;
    normals(generator, mine);
    const float *centre = centres.data() + generator() % 1000 * dimensions;
    double squares = 0;
    for (size_t i = 0; i < dimensions; ++i) {
      mine[i] = centre[i] + spread * mine[i];
      squares += static_cast<double>(mine[i]) * static_cast<double>(mine[i]);
    }
    const auto factor = static_cast<float>(1 / std::sqrt(squares));
    for (size_t i = 0; i < dimensions; ++i) mine[i] *= factor;
  }
  return rows;
}

// The sum of words of eight bytes, over as many bytes as there are codes: the fewest instructions that read all of them.
// Eight streams side by side, which memory serves a little faster than one.
uint64_t sum_part(const int8_t *codes, size_t count) {
  typedef uint64_t Words __attribute__((vector_size(64)));
  constexpr size_t streams = 8;
  Words sums[streams] = {};
  const size_t stream = count / streams / sizeof(Words) * sizeof(Words);
  for (size_t i = 0; i < stream; i += sizeof(Words))
    for (size_t lane = 0; lane < streams; ++lane) {
      Words words;
      std::memcpy(&words, codes + lane * stream + i, sizeof words);
      sums[lane] += words;
    }
  uint64_t sum = 0;
  for (size_t i = streams * stream; i < count; ++i) sum += static_cast<uint64_t>(codes[i]);
  for (const Words &words : sums)
    for (size_t i = 0; i < 8; ++i) sum += words[i];
  return sum;
}

struct Contender {
  std::string what;
  double bytes;
  std::function<void()> work;
  double milliseconds = 1e30;
};

void take_turns(std::vector<Contender> &contenders) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (int round = 0; round < 5 || (round < 60 && Clock::now() - begin < std::chrono::seconds(4)); ++round)
    for (Contender &contender : contenders) {
      const auto start = Clock::now();
      contender.work();
      const double time = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      contender.milliseconds = std::min(contender.milliseconds, time);
    }
}

void bench(size_t row_count, size_t dimensions, unsigned threads) {
  const std::vector<float> originals = clustered_rows(row_count, dimensions, 1, 1);
  const std::vector<float> queries = clustered_rows(64, dimensions, 1, 2);
  std::vector<int8_t> codes(row_count * dimensions);
  std::vector<float> scales(row_count), errors(row_count);
  float longest;
  if (ner_int8_quantise(originals.data(), row_count, dimensions, codes.data(), scales.data(), errors.data(), &longest) !=
      NER_OK)
    std::abort();
  const ner_segment segment = {originals.data(), nullptr, codes.data(), scales.data(), errors.data(), longest,
                               nullptr,          nullptr, row_count};
  const ner_segments int8_rows_all = {NER_INT8, dimensions, &segment, 1}, float_rows_all = {NER_FLOAT32, dimensions, &segment, 1};
  const auto code_bytes = static_cast<double>(codes.size());
  std::printf("\n%zu rows x %zu, top %zu, %u threads; int8: %zu bytes a row, and %zu of the original\n", row_count,
              dimensions, limit, threads, dimensions + 2 * sizeof(float), dimensions * sizeof(float));
  std::printf("%-34s %10s %8s %9s %20s\n", "", "ms", "GB/s", "x floor", "re-scored a query");

#ifdef NER_RETRIEVER_BENCH_FAISS
  const ner_faiss_api *api = ner_retriever::load_faiss(NER_RETRIEVER_BENCH_FAISS);
  std::unique_ptr<ner_retriever::FaissIndex> faiss;
  if (api != nullptr && ner_retriever::FaissIndex::create(*api, "Flat", dimensions, &faiss) == NER_OK &&
      faiss->add(originals.data(), row_count, threads) != NER_OK)
    faiss.reset();
#endif
  for (const size_t query_count : {size_t{1}, size_t{64}}) {
    std::vector<float> scores(query_count * limit), int8_scores(query_count * limit);
    std::vector<uint32_t> rows(query_count * limit), int8_rows(query_count * limit);
    std::vector<size_t> rescored(query_count), counts(query_count);
    std::vector<uint64_t> sums(threads);
    std::vector<Contender> contenders;
    // Threads take the next 128 KiB when they are free, as the scan's do.
    contenders.push_back({"sum over the codes (the floor)", code_bytes, [&] {
                            constexpr size_t block = 128 * 1024;
                            std::atomic<size_t> next{0};
                            ner_retriever::run_on_threads(threads, [&](size_t thread) {
                              for (size_t begin; (begin = next.fetch_add(block)) < codes.size();)
                                sums[thread] += sum_part(codes.data() + begin, std::min(block, codes.size() - begin));
                            });
                          }});
    for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512}) {
      if (!ner_instruction_set_available(set)) continue;
      const std::string after = ", " + std::to_string(query_count) + " queries, " + ner_instruction_set_name(set);
      contenders.push_back({"int8" + after, code_bytes, [&, set] {
                              ner_search_top_k(set, &int8_rows_all, nullptr, queries.data(), query_count, limit, threads,
                                               int8_scores.data(), int8_rows.data(), counts.data(), nullptr);
                            }});
      if (set == NER_SCALAR) continue;
      contenders.push_back({"float32" + after, code_bytes * sizeof(float), [&, set] {
                              ner_search_top_k(set, &float_rows_all, nullptr, queries.data(), query_count, limit, threads,
                                               scores.data(), rows.data(), counts.data(), nullptr);
                            }});
    }
#ifdef NER_RETRIEVER_BENCH_FAISS
    std::vector<float> faiss_scores(query_count * limit);
    std::vector<uint32_t> faiss_rows(query_count * limit), faiss_counts(query_count);
    if (faiss != nullptr)
      contenders.push_back({"FAISS Flat, " + std::to_string(query_count) + " queries", code_bytes * sizeof(float), [&] {
                              faiss->search(queries.data(), query_count, limit, {}, threads, faiss_scores.data(),
                                            faiss_rows.data(), faiss_counts.data());
                            }});
#endif
    take_turns(contenders);
    // The int8 and the float32 results are those of the same set, the best one.
    if (int8_rows != rows || int8_scores != scores) {
      std::printf("the int8 scan's results are not the float32 scan's\n");
      std::exit(EXIT_FAILURE);
    }
    size_t all_rescored = 0;
    for (const size_t one : rescored) all_rescored += one;
    for (const Contender &contender : contenders) {
      std::printf("%-34s %10.2f %8.1f %9.2f", contender.what.c_str(), contender.milliseconds,
                  contender.bytes / contender.milliseconds / 1e6, contender.milliseconds / contenders[0].milliseconds);
      if (contender.what.compare(0, 4, "int8") == 0)
        std::printf(" %20.1f", static_cast<double>(all_rescored) / static_cast<double>(query_count));
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  size_t rows = 1000000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
      threads = static_cast<unsigned>(std::max(1, std::atoi(argv[++i])));
    } else if (std::strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
      rows = static_cast<size_t>(std::max(1, std::atoi(argv[++i])));
    } else {
      std::fprintf(stderr, "int8_bench [--threads N] [--rows N]\n");
      return 2;
    }
  }
  bench(rows, 256, threads);
  bench(rows, 384, threads);
  return 0;
}
