#include "ner_retriever/faiss.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <thread>

#include "harness.h"
#include "ner_retriever/index.h"

using ner_retriever::FaissIndex;
using ner_retriever::FaissParameters;

// argv[1]: the shared library with FAISS, or nothing where it was not built.
static const char *library = "";

static const ner_faiss_api *open_library() {
  const ner_faiss_api *api = *library == '\0' ? nullptr : ner_retriever::load_faiss(library);
  if (api == nullptr) {
    std::printf("    skipped, FAISS is not in this build\n");
    CHECK(*library == '\0', ner_last_error());
  }
  return api;
}

// rows [count, dimensions] of length one around `clusters` centres.
static std::vector<float> clustered_rows(size_t count, size_t dimensions, size_t clusters) {
  const std::vector<float> centres = random_floats(clusters * dimensions);
  std::vector<float> rows = random_floats(count * dimensions, 0.4f);
  for (size_t row = 0; row < count; ++row) {
    const size_t cluster = random_size(0, clusters - 1);
    double squares = 0;
    for (size_t i = 0; i < dimensions; ++i) {
      float &value = rows[row * dimensions + i];
      value += centres[cluster * dimensions + i];
      squares += static_cast<double>(value) * value;
    }
    for (size_t i = 0; i < dimensions; ++i) rows[row * dimensions + i] /= static_cast<float>(std::sqrt(squares));
  }
  return rows;
}

struct Found {
  std::vector<float> scores;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> counts;

  bool operator==(const Found &other) const { return scores == other.scores && rows == other.rows && counts == other.counts; }
};

static Found search(const FaissIndex &index, const std::vector<float> &queries, size_t limit,
                    const FaissParameters &parameters, unsigned threads = 2) {
  const size_t count = queries.size() / index.dimensions();
  Found found{std::vector<float>(count * limit), std::vector<uint32_t>(count * limit), std::vector<uint32_t>(count)};
  CHECK(index.search(queries.data(), count, limit, parameters, threads, found.scores.data(), found.rows.data(),
                     found.counts.data()) == NER_OK,
        ner_last_error());
  return found;
}

static Found exact_search(const std::vector<float> &rows, const std::vector<float> &queries, size_t dimensions,
                          size_t limit) {
  const std::unique_ptr<ner_retriever::Index> index = ner_retriever::make_exact_index(NER_SCALAR, dimensions);
  CHECK(index->add(rows.data(), rows.size() / dimensions) == NER_OK, ner_last_error());
  const size_t count = queries.size() / dimensions;
  Found found{std::vector<float>(count * limit), std::vector<uint32_t>(count * limit),
              std::vector<uint32_t>(count, static_cast<uint32_t>(limit))};
  CHECK(index->search(queries.data(), count, limit, 2, found.scores.data(), found.rows.data()) == NER_OK,
        ner_last_error());
  return found;
}

static double recall(const Found &found, const Found &exact) {
  const size_t limit = exact.rows.size() / exact.counts.size();
  size_t hits = 0;
  for (size_t query = 0; query < exact.counts.size(); ++query) {
    const auto begin = found.rows.begin() + static_cast<std::ptrdiff_t>(query * limit);
    for (size_t place = 0; place < limit; ++place)
      hits += static_cast<size_t>(std::count(begin, begin + found.counts[query], exact.rows[query * limit + place]));
  }
  return static_cast<double>(hits) / static_cast<double>(exact.rows.size());
}

static std::unique_ptr<FaissIndex> make(const ner_faiss_api &api, const std::string &factory, size_t dimensions) {
  std::unique_ptr<FaissIndex> index;
  CHECK(FaissIndex::create(api, factory, dimensions, &index) == NER_OK, factory + ": " + ner_last_error());
  return index;
}

static std::string temporary_file(const std::string &name) {
  const char *folder = std::getenv("TMPDIR");
  return std::string(folder != nullptr ? folder : "/tmp") + "/ner-retriever-faiss-test-" + name;
}

TEST("a library that is not there, or is none of ours, is refused with what to do") {
  CHECK(ner_retriever::load_faiss("nowhere/ner_retriever_faiss.so") == nullptr, "a missing file");
  CHECK(std::strstr(ner_last_error(), "libfaiss-dev") != nullptr, ner_last_error());
  CHECK(ner_retriever::load_faiss("/dev/null") == nullptr, "no library");
  CHECK(std::strstr(ner_last_error(), "could not be loaded") != nullptr, ner_last_error());
}

TEST("Flat equals the exact scan") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  for (int round = 0; round < 30; ++round) {
    const size_t dimensions = random_size(1, 300);
    const size_t row_count = random_size(1, 2000);
    const size_t query_count = round % 2 == 0 ? random_size(1, 19) : random_size(20, 70);  // without and with BLAS
    const size_t limit = random_size(1, row_count);
    const std::string about = std::to_string(row_count) + " x " + std::to_string(dimensions) + ", " +
                              std::to_string(query_count) + " queries, limit " + std::to_string(limit);
    const bool integers = round % 3 == 0;
    const std::vector<float> rows =
        integers ? random_integers(row_count * dimensions, 2) : random_floats(row_count * dimensions);
    const std::vector<float> queries =
        integers ? random_integers(query_count * dimensions, 2) : random_floats(query_count * dimensions);

    const std::unique_ptr<FaissIndex> index = make(*api, "Flat", dimensions);
    CHECK(index->add(rows.data(), row_count / 2, 2) == NER_OK, ner_last_error());
    CHECK(index->add(rows.data() + row_count / 2 * dimensions, row_count - row_count / 2, 2) == NER_OK, ner_last_error());
    CHECK(index->size() == row_count, about);
    const Found found = search(*index, queries, limit, {});
    const Found exact = exact_search(rows, queries, dimensions, limit);
    CHECK(found.counts == exact.counts, about);
    // The scores at every place agree; rows do where the score is apart from its neighbours', and by exact scores
    // always but among equals of the last place.
    const float tolerance = integers ? 0.0f : 1e-5f * static_cast<float>(dimensions);
    for (size_t place = 0; place < query_count * limit; ++place) {
      CHECK(std::fabs(found.scores[place] - exact.scores[place]) <= tolerance, about);
      const float last = exact.scores[place / limit * limit + limit - 1];
      if (integers && exact.scores[place] > last) CHECK(found.rows[place] == exact.rows[place], about);
    }
    if (integers && limit == row_count) CHECK(found.rows == exact.rows, about);
  }
}

struct Kind {
  const char *factory;
  FaissParameters narrow, wide;
  double least_recall;  // of the wide search
};

static const Kind kinds[] = {
    {"SQ8", {}, {}, 0.9},
    {"PQ16x4fs,RFlat", {0, 0, 1}, {0, 0, 50}, 0.9},
    {"HNSW16", {0, 4, 0}, {0, 400, 0}, 0.95},
    {"HNSW16,SQ8", {0, 4, 0}, {0, 400, 0}, 0.9},
    {"IVF32,Flat", {1, 0, 0}, {32, 0, 0}, 1},
    {"IVF32_HNSW8,Flat", {1, 0, 0}, {32, 0, 0}, 0.99},
    {"IVF32,SQ8", {1, 0, 0}, {32, 0, 0}, 0.9},
    {"IVF32,PQ8x4np,RFlat", {1, 0, 1}, {32, 0, 50}, 0.9},
    {"IVF32,PQ16x4fs,RFlat", {1, 0, 1}, {32, 0, 50}, 0.9},
    {"IVF32,PQ16x4fsr,Refine(SQ8)", {1, 0, 1}, {32, 0, 50}, 0.85},
    {"OPQ16,IVF32,PQ16x4fs,RFlat", {1, 0, 1}, {32, 0, 50}, 0.9},
    {"RR16,HNSW16,RFlat", {0, 4, 1}, {0, 400, 20}, 0.9},
};

TEST("each kind of index: recall rises with its parameters, and a file gives the same answers") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  constexpr size_t dimensions = 32, row_count = 3000, limit = 10;
  const std::vector<float> all = clustered_rows(row_count + 64, dimensions, 100);
  const std::vector<float> rows(all.begin(), all.begin() + row_count * dimensions);
  const std::vector<float> queries(all.begin() + row_count * dimensions, all.end());
  const Found exact = exact_search(rows, queries, dimensions, limit);
  int tunable_kinds = 0, risen = 0;
  for (const Kind &kind : kinds) {
    const std::unique_ptr<FaissIndex> index = make(*api, kind.factory, dimensions);
    if (!index->is_trained()) {
      CHECK(index->add(rows.data(), 5, 2) == NER_INVALID_ARGUMENT, kind.factory);
      CHECK(index->train(rows.data(), row_count, 2) == NER_OK, std::string(kind.factory) + ": " + ner_last_error());
    }
    CHECK(index->is_trained() && index->size() == 0, kind.factory);
    CHECK(index->add(rows.data(), 1000, 2) == NER_OK, ner_last_error());
    CHECK(index->add(rows.data() + 1000 * dimensions, row_count - 1000, 2) == NER_OK, ner_last_error());
    CHECK(index->size() == row_count, kind.factory);
    const Found narrow = search(*index, queries, limit, kind.narrow);
    const Found wide = search(*index, queries, limit, kind.wide);
    const std::string about = std::string(kind.factory) + ": recall " + std::to_string(recall(narrow, exact)) + ", " +
                              std::to_string(recall(wide, exact));
    CHECK(recall(wide, exact) >= kind.least_recall, about);
    const bool tunable = kind.narrow.nprobe + kind.narrow.ef_search + kind.narrow.refine_factor > 0;
    // Where each cluster lies in one list, a narrow search finds it all.
    CHECK(recall(wide, exact) >= recall(narrow, exact) - 0.01, about);
    tunable_kinds += tunable;
    risen += tunable && recall(wide, exact) > recall(narrow, exact);
    // What one call asks for does not outlive it.
    const Found plain = search(*index, queries, limit, {});
    search(*index, queries, limit, kind.wide);
    CHECK(search(*index, queries, limit, {}) == plain, kind.factory);
    // All of it.
    const Found whole = search(*index, {queries.begin(), queries.begin() + dimensions}, row_count, kind.wide);
    CHECK(whole.counts[0] > 0 && whole.counts[0] <= row_count, kind.factory);

    const std::string file = temporary_file("kind");
    CHECK(index->write(file) == NER_OK, ner_last_error());
    std::unique_ptr<FaissIndex> again;
    CHECK(FaissIndex::read(*api, file, &again) == NER_OK, std::string(kind.factory) + ": " + ner_last_error());
    if (again != nullptr) {
      CHECK(again->dimensions() == dimensions && again->size() == row_count && again->is_trained(), kind.factory);
      CHECK(again->bytes() == index->bytes(), kind.factory);
      CHECK(search(*again, queries, limit, kind.narrow) == narrow, kind.factory);
      CHECK(search(*again, queries, limit, kind.wide) == wide, kind.factory);
      CHECK(search(*again, queries, limit, {}) == plain, kind.factory);
      CHECK(again->add(rows.data(), 7, 1) == NER_OK && again->size() == row_count + 7, kind.factory);
    }
    std::remove(file.c_str());
  }
  CHECK(risen > tunable_kinds / 2, std::to_string(risen) + " of " + std::to_string(tunable_kinds));
}

TEST("an index without rows, trained or not, comes back from its file") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  const std::vector<float> rows = clustered_rows(2000, 16, 50);
  for (const Kind &kind : kinds) {
    // FAISS keeps the matrix of an OPQ, and not that it was to be learnt.
    if (std::strncmp(kind.factory, "OPQ", 3) == 0) continue;
    const std::unique_ptr<FaissIndex> index = make(*api, kind.factory, 16);
    for (int round = 0; round < 2; ++round) {
      const std::string file = temporary_file("empty");
      CHECK(index->write(file) == NER_OK, ner_last_error());
      std::unique_ptr<FaissIndex> again;
      CHECK(FaissIndex::read(*api, file, &again) == NER_OK, std::string(kind.factory) + ": " + ner_last_error());
      std::remove(file.c_str());
      if (again == nullptr) continue;
      CHECK(again->is_trained() == index->is_trained(), kind.factory);
      if (!again->is_trained()) CHECK(again->train(rows.data(), 2000, 2) == NER_OK, ner_last_error());
      CHECK(again->add(rows.data(), 2000, 2) == NER_OK && again->size() == 2000, kind.factory);
      if (!index->is_trained()) CHECK(index->train(rows.data(), 2000, 2) == NER_OK, ner_last_error());
    }
  }
}

TEST("searches with other parameters run beside each other and each gets its own") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  const std::vector<float> rows = clustered_rows(3000, 16, 60);
  const std::vector<float> queries = random_floats(20 * 16);
  for (const char *factory : {"IVF32,PQ8x4fs,RFlat", "IVF32,SQ8", "HNSW8"}) {
    const std::unique_ptr<FaissIndex> index = make(*api, factory, 16);
    if (!index->is_trained()) CHECK(index->train(rows.data(), 3000, 2) == NER_OK, ner_last_error());
    CHECK(index->add(rows.data(), 3000, 2) == NER_OK, ner_last_error());
    const bool graph = std::strcmp(factory, "HNSW8") == 0;
    const auto parameters = [&](size_t turn) {
      const size_t values[3] = {1, 4, 32};
      return graph ? FaissParameters{0, values[turn], 0} : FaissParameters{values[turn], 0, 0};
    };
    Found expected[3];
    for (size_t turn = 0; turn < 3; ++turn) expected[turn] = search(*index, queries, 5, parameters(turn), 1);
    CHECK(!(expected[0] == expected[2]), factory);
    bool same[3] = {true, true, true};
    std::vector<std::thread> team;
    for (size_t turn = 0; turn < 3; ++turn)
      team.emplace_back([&, turn] {
        for (int round = 0; round < 50; ++round)
          if (!(search(*index, queries, 5, parameters(turn), 1) == expected[turn])) same[turn] = false;
      });
    for (std::thread &one : team) one.join();
    CHECK(same[0] && same[1] && same[2], factory);
  }
}

TEST("with FAISS, NaN is left out, and arguments are checked") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  const std::unique_ptr<FaissIndex> index = make(*api, "Flat", 1);
  const float rows[5] = {std::numeric_limits<float>::quiet_NaN(), 1, 3, std::numeric_limits<float>::quiet_NaN(), 3};
  CHECK(index->add(rows, 5, 1) == NER_OK, ner_last_error());
  const Found found = search(*index, {1}, 5, {});
  CHECK(found.counts[0] == 3, "count");
  CHECK(found.rows[0] == 2 && found.rows[1] == 4 && found.rows[2] == 1, "order");

  float scores[6];
  uint32_t found_rows[6], counts[1];
  const float query = 1;
  const auto refused = [&](size_t limit, FaissParameters parameters, const char *words) {
    CHECK(index->search(&query, 1, limit, parameters, 1, scores, found_rows, counts) == NER_INVALID_ARGUMENT, words);
    CHECK(std::strstr(ner_last_error(), words) != nullptr, ner_last_error());
  };
  refused(6, {}, "expected a limit within 5 rows, got 6");
  refused(5, {1, 0, 0}, "no inverted lists");
  refused(5, {0, 1, 0}, "no graph");
  refused(5, {0, 0, 1}, "no refinement");

  const std::unique_ptr<FaissIndex> graph = make(*api, "HNSW4", 1);
  CHECK(graph->add(rows + 1, 3, 1) == NER_INVALID_ARGUMENT, "NaN in a graph");
  CHECK(std::strstr(ner_last_error(), "in row 2 of this call") != nullptr, ner_last_error());
  CHECK(graph->size() == 0, "nothing was added");

  std::unique_ptr<FaissIndex> none;
  for (const char *factory : {"", "Flt", "IVF", "IVF0,Flat", "IVF16", "HNSW1", "HNSW0", "IVF16(Index3),Flat", "HNSW32,PQ8",
                              "PCA8,Flat", "IDMap,Flat", "LSH", "Flat,RFlat,RFlat", "IVF99999999999,Flat", "PQ3x4fs_7"}) {
    CHECK(FaissIndex::create(*api, factory, 16, &none) == NER_INVALID_ARGUMENT, factory);
    CHECK(std::strstr(ner_last_error(), factory) != nullptr, ner_last_error());
  }
  CHECK(FaissIndex::create(*api, "PQ3", 16, &none) == NER_INVALID_ARGUMENT, "16 dimensions in 3 parts");
  CHECK(std::strstr(ner_last_error(), "multiple") != nullptr, ner_last_error());
  CHECK(FaissIndex::create(*api, "Flat", 0, &none) == NER_INVALID_ARGUMENT, "0 dimensions");

  const std::unique_ptr<FaissIndex> lists = make(*api, "IVF16,Flat", 1);
  CHECK(lists->train(rows, 2, 1) == NER_FAILED, "2 rows for 16 lists");
  CHECK(lists->write("nowhere/index.faiss") == NER_FAILED, "a folder that is not there");
  CHECK(std::strstr(ner_last_error(), "No such file") != nullptr, ner_last_error());
  CHECK(FaissIndex::read(*api, "nowhere/index.faiss", &none) == NER_FAILED, "a file that is not there");
  CHECK(FaissIndex::read(*api, "/", &none) == NER_FAILED, "a folder");
}

// Damaged files: an error, or answers within the index; never a crash, a hang or memory beyond measure.
TEST("a file with any byte changed or cut off is refused or harmless") {
  const ner_faiss_api *api = open_library();
  if (api == nullptr) return;
  const char *given = std::getenv("NER_RETRIEVER_FAISS_MUTATIONS");
  const size_t mutations = given != nullptr ? std::strtoul(given, nullptr, 10) : 15;
  const std::vector<float> rows = clustered_rows(300, 8, 20);
  const std::string file = temporary_file("damaged");
  size_t refused = 0, read = 0;
  for (const char *factory : {"Flat", "SQ8", "PQ4x4np", "PQ4x4fs", "HNSW8", "HNSW8,SQ8", "IVF16,Flat", "IVF16,SQ8",
                              "IVF16,PQ4x4np", "IVF16,PQ8x4fs", "IVF16_HNSW4,Flat", "IVF16,PQ8x4fs,RFlat",
                              "OPQ4,IVF16,PQ4x4fs,Refine(SQ8)"}) {
    const std::unique_ptr<FaissIndex> index = make(*api, factory, 8);
    if (!index->is_trained()) CHECK(index->train(rows.data(), 300, 1) == NER_OK, ner_last_error());
    CHECK(index->add(rows.data(), 300, 1) == NER_OK, ner_last_error());
    CHECK(index->write(file) == NER_OK, ner_last_error());
    std::ifstream stream(file, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    for (size_t mutation = 0; mutation < mutations; ++mutation) {
      std::string bytes = whole;
      const size_t place = random_size(0, random_size(0, 1) == 0 ? std::min<size_t>(200, bytes.size() - 1) : bytes.size() - 1);
      switch (random_size(0, 4)) {
        case 0:
          bytes.resize(place);
          break;
        case 1:
          bytes[place] = static_cast<char>(bytes[place] ^ (1 << random_size(0, 7)));
          break;
        case 2: {  // a number that is too large, or 0
          const int64_t numbers[] = {0, -1, 1, int64_t{1} << 33, int64_t{1} << 39, int64_t{1} << 62, 70000};
          const int64_t number = numbers[random_size(0, 6)];
          std::memcpy(&bytes[place], &number, std::min(sizeof number, bytes.size() - place));
          break;
        }
        case 3:
          for (size_t i = place; i < std::min(bytes.size(), place + 16); ++i)
            bytes[i] = static_cast<char>(random_size(0, 255));
          break;
        default:
          bytes.insert(place, bytes.substr(place / 2, random_size(1, 64)));
      }
      std::ofstream(file, std::ios::binary) << bytes;
      std::unique_ptr<FaissIndex> damaged;
      if (FaissIndex::read(*api, file, &damaged) != NER_OK) {
        ++refused;
        continue;
      }
      ++read;
      const size_t limit = std::min<size_t>(10, damaged->size());
      const std::vector<float> queries = random_floats(3 * damaged->dimensions());
      const Found found = search(*damaged, queries, limit, {}, 1);
      for (size_t query = 0; query < 3; ++query)
        for (size_t at = 0; at < found.counts[query]; ++at)
          CHECK(found.rows[query * limit + at] < damaged->size(), factory);
    }
  }
  std::remove(file.c_str());
  std::printf("    %zu refused, %zu read\n", refused, read);
  CHECK(refused > read / 4, "most damage is seen");
}

int main(int argc, char **argv) {
  if (argc > 1) library = argv[1];
  return run_all();
}
