// Searches of every precision against what the machine can do, and FAISS (where it is built), in one run:
// `search_bench [--threads N] [--rows N] [--dimensions D] [--vectors FILE] [--json]`.
//
// FILE holds float32 rows of D values, nothing else; 64 of them, evenly spaced, are the queries. Without it rows and
// queries have length one and lie in clusters, as mentions of types do. Documents have one to four rows. The floor of a
// one-query search is a vectorised sum over the same warm bytes with the same threads: of the codes, the halves, the
// floats. Each figure is the best of several runs, and what is compared takes turns, so that a busy machine is busy for
// all of them. GB/s are 1e9 bytes of codes (halves, floats) a second, each row counted once a search; "x floor" is the
// time of the search by that of the sum.
//
// What the int8 searches find is compared with what the float32 ones find, documents, selections and all: recall must
// be 1.000. That of bfloat16, whose scores are those of rounded rows, is for information.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ner_retriever/bfloat16.h"
#include "ner_retriever/faiss.h"
#include "ner_retriever/instruction_set.h"
#include "ner_retriever/int8_scan.h"
#include "ner_retriever/search.h"
#include "run_on_threads.h"
#include "search_rows.h"

namespace {

constexpr size_t limit = 100;
constexpr size_t most_queries = 64;

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

// The sum of words of eight bytes: the fewest instructions that read all bytes. Eight streams side by side, which memory
// serves a little faster than one.
uint64_t sum_part(const unsigned char *bytes, size_t count) {
  typedef uint64_t Words __attribute__((vector_size(64)));
  constexpr size_t streams = 8;
  Words sums[streams] = {};
  const size_t stream = count / streams / sizeof(Words) * sizeof(Words);
  for (size_t i = 0; i < stream; i += sizeof(Words))
    for (size_t lane = 0; lane < streams; ++lane) {
      Words words;
      std::memcpy(&words, bytes + lane * stream + i, sizeof words);
      sums[lane] += words;
    }
  uint64_t sum = 0;
  for (size_t i = streams * stream; i < count; ++i) sum += bytes[i];
  for (const Words &words : sums)
    for (size_t i = 0; i < 8; ++i) sum += words[i];
  return sum;
}

// Threads take the next 128 KiB when they are free, as those of a search do.
uint64_t sum_of_bytes(const void *values, size_t count, unsigned threads) {
  constexpr size_t block = 128 * 1024;
  const auto *bytes = static_cast<const unsigned char *>(values);
  std::vector<uint64_t> sums(threads);
  std::atomic<size_t> next{0};
  ner_retriever::run_on_threads(threads, [&](size_t thread) {
    for (size_t begin; (begin = next.fetch_add(block)) < count;)
      sums[thread] += sum_part(bytes + begin, std::min(block, count - begin));
  });
  uint64_t sum = 0;
  for (const uint64_t one : sums) sum += one;
  return sum;
}

std::vector<float> read_floats(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff bytes = file.tellg();
  std::vector<float> values(bytes > 0 ? static_cast<size_t>(bytes) / sizeof(float) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char *>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file || values.empty()) {
    std::fprintf(stderr, "search_bench: %s cannot be read\n", path.c_str());
    std::exit(2);
  }
  return values;
}

// Rows in the columns of every precision, in documents of one to four rows.
struct Corpus {
  size_t dimensions, count;
  std::vector<float> vectors;
  std::vector<uint16_t> halves;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  std::vector<uint32_t> documents;
  float longest = 0;
  std::vector<uint8_t> most, few;  // nine documents in ten, and one in a hundred

  Corpus(std::vector<float> rows, size_t row_dimensions)
      : dimensions(row_dimensions), count(rows.size() / row_dimensions), vectors(std::move(rows)),
        halves(vectors.size()), codes(vectors.size()), scales(count), errors(count), documents(count) {
    ner_bfloat16_round(vectors.data(), vectors.size(), halves.data());
    if (ner_int8_quantise(vectors.data(), count, dimensions, codes.data(), scales.data(), errors.data(), &longest) !=
        NER_OK)
      std::abort();
    std::mt19937 generator(3);
    uint32_t document = 0;
    for (size_t row = 0; row < count; ++document)
      for (size_t left = generator() % 4 + 1; left > 0 && row < count; --left) documents[row++] = document;
    most.resize(document / 8 + 1);
    few.resize(document / 8 + 1);
    for (uint32_t i = 0; i < document; ++i) {
      const auto bit = static_cast<uint8_t>(1u << i % 8);
      if (generator() % 10 != 0) most[i / 8] = static_cast<uint8_t>(most[i / 8] | bit);
      if (generator() % 100 == 0) few[i / 8] = static_cast<uint8_t>(few[i / 8] | bit);
    }
  }
  Corpus(const Corpus &) = delete;

  ner_segment segment(bool with_documents) const {
    return {vectors.data(), halves.data(), codes.data(), scales.data(), errors.data(), longest, nullptr,
            with_documents ? documents.data() : nullptr, count};
  }
};

struct Contender {
  std::string what, on;
  size_t queries;
  double bytes;
  const Contender *floor;
  std::function<void()> work;
  double milliseconds = 1e30;
};

void take_turns(std::vector<std::unique_ptr<Contender>> &contenders) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  for (int round = 0; round < 5 || (round < 60 && Clock::now() - begin < std::chrono::seconds(8)); ++round)
    for (const std::unique_ptr<Contender> &contender : contenders) {
      const auto start = Clock::now();
      contender->work();
      const double time = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      contender->milliseconds = std::min(contender->milliseconds, time);
    }
}

// What a search has found.
struct Found {
  std::vector<float> scores;
  std::vector<uint32_t> rows;
  std::vector<size_t> counts;
  explicit Found(size_t queries) : scores(queries * limit), rows(queries * limit), counts(queries) {}
};

double recall(const Found &found, const Found &expected) {
  size_t hits = 0, all = 0;
  for (size_t query = 0; query < expected.counts.size(); ++query) {
    const auto begin = expected.rows.begin() + static_cast<std::ptrdiff_t>(query * limit);
    const auto end = begin + static_cast<std::ptrdiff_t>(expected.counts[query]);
    for (size_t place = 0; place < found.counts[query]; ++place)
      hits += std::find(begin, end, found.rows[query * limit + place]) != end ? 1u : 0u;
    all += expected.counts[query];
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

struct Report {
  bool json;
  bool first = true;

  void line(const Contender &one) {
    const double gigabytes = one.bytes / one.milliseconds / 1e6;
    const double of_floor = one.floor == nullptr ? 1 : one.milliseconds / one.floor->milliseconds;
    if (json)
      std::printf("%s\n  {\"what\": \"%s\", \"on\": \"%s\", \"queries\": %zu, \"milliseconds\": %.3f, \"GB/s\": %.1f, "
                  "\"x floor\": %.3f}",
                  first ? "[" : ",", one.what.c_str(), one.on.c_str(), one.queries, one.milliseconds, gigabytes,
                  of_floor);
    else
      std::printf("%-44s %-8s %8zu %11.2f %8.1f %9.2f\n", one.what.c_str(), one.on.c_str(), one.queries,
                  one.milliseconds, gigabytes, of_floor);
    first = false;
  }
  void figure(const std::string &what, size_t queries, double value) {
    if (json)
      std::printf("%s\n  {\"what\": \"%s\", \"queries\": %zu, \"value\": %.6f}", first ? "[" : ",", what.c_str(), queries,
                  value);
    else
      std::printf("%-44s %-8s %8zu %11.4f\n", what.c_str(), "", queries, value);
    first = false;
  }
};

// A way of searching: which documents there are, and which of them may be found.
struct Way {
  const char *name;
  bool documents;
  const std::vector<uint8_t> *selected;
};

void bench(const Corpus &corpus, const std::vector<float> &queries, unsigned threads, Report &report) {
  const size_t dimensions = corpus.dimensions;
  const auto values = static_cast<double>(corpus.codes.size());
  const Way ways[] = {{"", false, nullptr},
                      {", documents", true, nullptr},
                      {", documents, 9 of 10 selected", true, &corpus.most},
                      {", documents, 1 of 100 selected", true, &corpus.few}};
  struct Precision {
    const char *name;
    ner_precision precision;
    const void *column;
    size_t bytes;
  };
  const Precision precisions[] = {{"int8", NER_INT8, corpus.codes.data(), 1},
                                  {"bfloat16", NER_BFLOAT16, corpus.halves.data(), 2},
                                  {"float32", NER_FLOAT32, corpus.vectors.data(), 4}};
  const ner_segment rows_alone = corpus.segment(false), rows_of_documents = corpus.segment(true);
  ner_instruction_set best;
  if (ner_instruction_set_choose(nullptr, &best) != NER_OK) std::abort();

#ifdef NER_RETRIEVER_BENCH_FAISS
  const ner_faiss_api *api = ner_retriever::load_faiss(NER_RETRIEVER_BENCH_FAISS);
  std::unique_ptr<ner_retriever::FaissIndex> faiss;
  if (api != nullptr && ner_retriever::FaissIndex::create(*api, "Flat", dimensions, &faiss) == NER_OK &&
      faiss->add(corpus.vectors.data(), corpus.count, threads) != NER_OK)
    faiss.reset();
  std::vector<uint32_t> faiss_counts(most_queries);
#endif
  report.figure("int8: bytes a row that are read", 1,
                static_cast<double>(dimensions + 2 * sizeof(float) + sizeof(uint32_t)));
  report.figure("int8: bytes a row on disk", 1,
                static_cast<double>(5 * dimensions + 2 * sizeof(float) + 2 * sizeof(uint32_t)));
  for (const size_t query_count : {size_t{1}, most_queries}) {
    std::vector<std::unique_ptr<Contender>> contenders;
    const auto add = [&](const std::string &what, const std::string &on, double bytes, const Contender *floor,
                         std::function<void()> work) {
      contenders.push_back(std::make_unique<Contender>(Contender{what, on, query_count, bytes, floor, std::move(work)}));
      return contenders.back().get();
    };
    // found[precision][way], of the best set.
    std::vector<std::vector<Found>> found(std::size(precisions),
                                          std::vector<Found>(std::size(ways), Found(query_count)));
    Found unused(query_count);
    std::vector<uint64_t> ranking(corpus.count);
    size_t ranked = 0;
    for (size_t p = 0; p < std::size(precisions); ++p) {
      const Precision &precision = precisions[p];
      const double bytes = values * static_cast<double>(precision.bytes);
      const Contender *floor =
          add(std::string("sum over ") + precision.name + " (the floor)", "compiler", bytes, nullptr,
              [&] { sum_of_bytes(precision.column, corpus.codes.size() * precision.bytes, threads); });
      for (size_t w = 0; w < std::size(ways); ++w) {
        const Way &way = ways[w];
        for (const ner_instruction_set set : {NER_AVX512, NER_AVX2}) {
          if (set > best || (w > 0 && set != best)) continue;
          Found *to = set == best ? &found[p][w] : &unused;
          add(precision.name + std::string(way.name), ner_instruction_set_name(set), bytes, floor,
              [&, set, to] {
                const ner_segments segments = {precision.precision, dimensions,
                                               way.documents ? &rows_of_documents : &rows_alone, 1};
                const ner_selection selection = {way.selected == nullptr ? nullptr : way.selected->data(),
                                                 way.selected == nullptr ? 0 : way.selected->size(), 0};
                if (ner_search_top_k(set, &segments, &selection, queries.data(), query_count, limit, threads,
                                     to->scores.data(), to->rows.data(), to->counts.data(), nullptr) != NER_OK)
                  std::abort();
              });
        }
      }
      if (query_count > 1) continue;
      for (const float minimum : {-std::numeric_limits<float>::infinity(), 0.25f})
        add(precision.name + std::string(minimum > 0 ? ", ranking of all above 0.25" : ", ranking of all documents"),
            ner_instruction_set_name(best), bytes, floor, [&, minimum] {
              const ner_segments segments = {precision.precision, dimensions, &rows_of_documents, 1};
              if (ner_search_ranking(best, &segments, nullptr, queries.data(), minimum, threads, ranking.data(),
                                     ranking.size(), &ranked, nullptr) != NER_OK)
                std::abort();
            });
    }
#ifdef NER_RETRIEVER_BENCH_FAISS
    if (faiss != nullptr)
      add("FAISS Flat", "OpenBLAS", values * 4, contenders[0].get(), [&] {
        faiss->search(queries.data(), query_count, limit, {}, threads, unused.scores.data(), unused.rows.data(),
                      faiss_counts.data());
      });
#endif
    take_turns(contenders);
    for (const std::unique_ptr<Contender> &contender : contenders) report.line(*contender);

    for (size_t w = 0; w < std::size(ways); ++w) {
      const Found &exact = found[2][w];
      if (found[0][w].rows != exact.rows || found[0][w].counts != exact.counts ||
          std::memcmp(found[0][w].scores.data(), exact.scores.data(), exact.scores.size() * sizeof(float)) != 0) {
        std::fprintf(stderr, "what int8 finds is not what float32 finds%s\n", ways[w].name);
        std::exit(EXIT_FAILURE);
      }
      report.figure("int8 recall@100" + std::string(ways[w].name), query_count, recall(found[0][w], exact));
    }
    report.figure("bfloat16 recall@100", query_count, recall(found[1][0], found[2][0]));

    using namespace ner_retriever;
    const ner_segments segments = {NER_INT8, dimensions, &rows_of_documents, 1};
    const RowPlaces places(segments);
    const Selection everything(nullptr);
    const SearchedRows searched{*kernels_for(best), int8_kernels_for(best), segments, places, everything, threads};
    std::vector<size_t> rescored(query_count);
    search_int8(searched, queries.data(), query_count, limit, rescored.data());
    double all = 0;
    for (const size_t one : rescored) all += static_cast<double>(one);
    report.figure("int8, documents: rows re-scored a query", query_count, all / static_cast<double>(query_count));
  }
}

}  // namespace

int main(int argc, char **argv) {
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  size_t rows = 1000000, dimensions = 256;
  std::string file;
  Report report{false};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto number = [&] { return static_cast<size_t>(std::max(1L, std::atol(argv[++i]))); };
    if (argument == "--json") report.json = true;
    else if (argument == "--threads" && i + 1 < argc) threads = static_cast<unsigned>(number());
    else if (argument == "--rows" && i + 1 < argc) rows = number();
    else if (argument == "--dimensions" && i + 1 < argc) dimensions = number();
    else if (argument == "--vectors" && i + 1 < argc) file = argv[++i];
    else {
      std::fprintf(stderr, "search_bench [--threads N] [--rows N] [--dimensions D] [--vectors FILE] [--json]\n");
      return 2;
    }
  }
  std::vector<float> vectors, queries;
  if (file.empty()) {
    vectors = clustered_rows(rows, dimensions, 1, 1);
    queries = clustered_rows(most_queries, dimensions, 1, 2);
  } else {
    vectors = read_floats(file);
    rows = std::min(rows, vectors.size() / dimensions);
    if (rows == 0) {
      std::fprintf(stderr, "search_bench: %s holds less than a row\n", file.c_str());
      return 2;
    }
    vectors.resize(rows * dimensions);
    for (size_t query = 0; query < most_queries; ++query) {
      const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(query * rows / most_queries * dimensions);
      queries.insert(queries.end(), row, row + static_cast<std::ptrdiff_t>(dimensions));
    }
  }
  if (!report.json) {
    std::printf("%zu rows x %zu%s%s, top %zu, %u threads\n", rows, dimensions, file.empty() ? "" : " of ", file.c_str(),
                limit, threads);
    std::printf("%-44s %-8s %8s %11s %8s %9s\n", "", "", "queries", "ms", "GB/s", "x floor");
  }
  bench(Corpus(std::move(vectors), dimensions), queries, threads, report);
  if (report.json) std::printf("\n]\n");
  return 0;
}
