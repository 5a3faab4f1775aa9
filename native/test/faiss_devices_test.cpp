#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"
#include "ner_retriever/faiss.h"

using ner_retriever::FaissDeviceOptions;
using ner_retriever::FaissIndex;
using ner_retriever::FaissParameters;

// argv[1]: the library of faiss_stand_in/, whose GPUs lie in the host's memory; argv[2]: the one that is shipped.
static const char *stand_in_library = "";
static const char *shipped_library = "";

static const ner_faiss_api &stand_in() {
  static const ner_faiss_api *api = ner_retriever::load_faiss(stand_in_library);
  return *api;
}

// Few: FAISS learns 256 centroids for each part of PQ from them.
constexpr size_t dimensions = 16, row_count = 600, query_count = 12, limit = 10;

struct Found {
  std::vector<float> scores = std::vector<float>(query_count * limit, 77.0f);
  std::vector<uint32_t> rows = std::vector<uint32_t>(query_count * limit, 77u);
  std::vector<uint32_t> counts = std::vector<uint32_t>(query_count, 77u);

  // Scores to rounding: FAISS sums in another order where there are fewer rows.
  bool operator==(const Found &other) const {
    for (size_t place = 0; place < scores.size(); ++place)
      if (!(std::abs(scores[place] - other.scores[place]) <= 1e-4f)) return false;
    return rows == other.rows && counts == other.counts;
  }
};

static Found search(const FaissIndex &index, const std::vector<float> &queries, const FaissParameters &parameters) {
  Found found;
  CHECK(index.search(queries.data(), query_count, limit, parameters, 1, found.scores.data(), found.rows.data(),
                     found.counts.data()) == NER_OK,
        ner_last_error());
  return found;
}

static std::unique_ptr<FaissIndex> filled(const char *factory, const std::vector<float> &rows) {
  std::unique_ptr<FaissIndex> index;
  CHECK(FaissIndex::create(stand_in(), factory, dimensions, &index) == NER_OK, ner_last_error());
  if (!index->is_trained()) CHECK(index->train(rows.data(), row_count, 1) == NER_OK, ner_last_error());
  CHECK(index->add(rows.data(), row_count, 1) == NER_OK, ner_last_error());
  return index;
}

static FaissDeviceOptions on(std::vector<int> devices, bool float16 = false) { return {std::move(devices), 0, float16}; }

static void refused(const FaissIndex &index, const FaissDeviceOptions &options, ner_status status, const char *words) {
  std::unique_ptr<FaissIndex> copy;
  CHECK(index.to_devices(options, &copy) == status, words);
  CHECK(copy == nullptr, words);
  CHECK(std::strstr(ner_last_error(), words) != nullptr, std::string(words) + ": " + ner_last_error());
}

struct Kind {
  const char *factory;
  FaissParameters parameters;
  bool shared_out;
};

static const Kind kinds[] = {
    {"Flat", {}, true},
    {"IVF16,Flat", {6, 0, 0}, true},
    {"IVF16,SQ8", {6, 0, 0}, true},
    {"IVF16,PQ4np", {6, 0, 0}, true},
    {"IVF16,PQ4np,RFlat", {6, 0, 7}, true},
    {"OPQ4,IVF16,PQ4np,Refine(SQ8)", {6, 0, 7}, true},
    {"RR16,IVF16,Flat", {6, 0, 0}, true},
    {"SQfp16", {}, false},
};

TEST("a copy on one GPU, or on two, gives the answers of the index, and back in the host's memory it does again") {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  const std::vector<float> queries = random_floats(query_count * dimensions);
  for (const Kind &kind : kinds) {
    const std::unique_ptr<FaissIndex> index = filled(kind.factory, rows);
    const Found expected = search(*index, queries, kind.parameters);
    const Found plain = search(*index, queries, {});
    for (const std::vector<int> &devices : {std::vector<int>{1}, std::vector<int>{0, 1}}) {
      if (devices.size() > 1 && !kind.shared_out) {
        refused(*index, on(devices), NER_INVALID_ARGUMENT, "others are not shared out");
        continue;
      }
      const std::string about = std::string(kind.factory) + " on " + std::to_string(devices.size());
      std::unique_ptr<FaissIndex> copy;
      CHECK(index->to_devices(on(devices), &copy) == NER_OK, about + ": " + ner_last_error());
      if (copy == nullptr) continue;
      CHECK(copy->size() == row_count && copy->dimensions() == dimensions && copy->is_trained(), about);
      const bool refined = std::strstr(kind.factory, ",R") != nullptr;
      CHECK(refined ? copy->bytes() > row_count * dimensions : copy->bytes() == 0, about);
      CHECK(search(*copy, queries, kind.parameters) == expected, about);
      CHECK(search(*copy, queries, {}) == plain, about + ", its own parameters");

      std::unique_ptr<FaissIndex> twice, back, read;
      CHECK(copy->to_devices(on({0}), &twice) == NER_INVALID_ARGUMENT, about);
      CHECK(copy->to_host(&back) == NER_OK, about + ": " + ner_last_error());
      if (back != nullptr) {
        CHECK(search(*back, queries, kind.parameters) == expected, about + ", back");
        CHECK(search(*back, queries, {}) == plain, about + ", back, its own parameters");
        CHECK(back->to_host(&twice) == NER_INVALID_ARGUMENT, about);
      }
      const char *folder = std::getenv("TMPDIR");
      const std::string file = std::string(folder != nullptr ? folder : "/tmp") + "/ner-retriever-faiss-devices-test";
      CHECK(copy->write(file) == NER_OK, about + ": " + ner_last_error());
      CHECK(FaissIndex::read(stand_in(), file, &read) == NER_OK, about + ": " + ner_last_error());
      if (read != nullptr) CHECK(search(*read, queries, kind.parameters) == expected, about + ", from its file");
      std::remove(file.c_str());

      // Changed where it may be, and the index that it was copied from never is.
      const ner_status added = copy->add(rows.data(), 100, 1);
      CHECK(added == (devices.size() == 1 ? NER_OK : NER_INVALID_ARGUMENT), about + ": " + ner_last_error());
      CHECK(copy->size() == row_count + (added == NER_OK ? 100 : 0), about);
      CHECK(index->size() == row_count && search(*index, queries, kind.parameters) == expected, about);
    }
  }
}

TEST("an index is trained and filled on a GPU") {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  std::unique_ptr<FaissIndex> index, copy, back;
  CHECK(FaissIndex::create(stand_in(), "IVF16,Flat", dimensions, &index) == NER_OK, ner_last_error());
  CHECK(index->to_devices(on({0}), &copy) == NER_OK, ner_last_error());
  CHECK(!copy->is_trained() && copy->add(rows.data(), 1, 1) == NER_INVALID_ARGUMENT, "not trained");
  CHECK(copy->train(rows.data(), row_count, 1) == NER_OK, ner_last_error());
  CHECK(copy->is_trained() && copy->add(rows.data(), row_count, 1) == NER_OK, ner_last_error());
  CHECK(copy->to_host(&back) == NER_OK && back->size() == row_count, ner_last_error());
  CHECK(back->bytes() > row_count * dimensions * sizeof(float), "its rows are there");
}

TEST("float16 narrows the rows") {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  const std::vector<float> queries = random_floats(query_count * dimensions);
  const std::unique_ptr<FaissIndex> index = filled("Flat", rows);
  std::unique_ptr<FaissIndex> copy;
  CHECK(index->to_devices(on({0, 1}, true), &copy) == NER_OK, ner_last_error());
  const Found exact = search(*index, queries, {}), narrowed = search(*copy, queries, {});
  CHECK(exact.scores != narrowed.scores, "narrowed");
  for (size_t place = 0; place < exact.scores.size(); ++place)
    CHECK(std::abs(exact.scores[place] - narrowed.scores[place]) < 0.05f, std::to_string(place));
}

TEST("searches beside each other on a GPU get the parameters that each asked for") {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  const std::vector<float> queries = random_floats(query_count * dimensions);
  const std::unique_ptr<FaissIndex> index = filled("IVF16,Flat", rows);
  std::unique_ptr<FaissIndex> copy;
  CHECK(index->to_devices(on({0, 1}), &copy) == NER_OK, ner_last_error());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  std::vector<Found> expected;
  for (size_t thread = 0; thread < wrong.size(); ++thread) expected.push_back(search(*index, queries, {1 + 4 * thread, 0, 0}));
  for (size_t thread = 0; thread < wrong.size(); ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 20; ++round)
        if (!(search(*copy, queries, {1 + 4 * thread, 0, 0}) == expected[thread])) ++wrong[thread];
    });
  for (std::thread &thread : threads) thread.join();
  CHECK(*std::max_element(wrong.begin(), wrong.end()) == 0, "another's nprobe");
}

TEST("what no GPU holds is refused before anything is copied, with what to do") {
  const std::vector<float> rows = random_floats(row_count * dimensions);
  for (const char *factory : {"SQ8", "PQ4np", "PQ4x4fs", "IVF16,PQ4x4fs", "IVF16,PQ4x4fs,RFlat"})
    refused(*filled(factory, rows), on({0}), NER_INVALID_ARGUMENT, "FAISS has no other on a GPU");
  refused(*filled("HNSW8", rows), on({0}), NER_INVALID_ARGUMENT, "FAISS_ENABLE_CUVS");
  refused(*filled("IVF16,PQ4x4np", rows), on({0}), NER_INVALID_ARGUMENT, "8 bits");

  const std::unique_ptr<FaissIndex> flat = filled("Flat", rows);
  refused(*flat, on({2}), NER_INVALID_ARGUMENT, "expected GPUs 0 to 1, got 2");
  refused(*flat, on({-1}), NER_INVALID_ARGUMENT, "got -1");
  refused(*flat, on({0, 0}), NER_INVALID_ARGUMENT, "one twice");

  // The rows and their lengths, and 768 MiB for FAISS and CUDA.
  const size_t needed = row_count * (dimensions * 4 + 4) + (size_t{768} << 20);
  setenv("NER_RETRIEVER_STAND_IN_MEMORY", std::to_string(needed - 1).c_str(), 1);
  refused(*flat, on({0}), NER_OUT_OF_MEMORY, std::to_string(needed).c_str());
  std::unique_ptr<FaissIndex> copy;
  CHECK(flat->to_devices(on({0, 1}), &copy) == NER_OK, ner_last_error());  // half of the rows each
  CHECK(flat->to_devices({{0}, size_t{1} << 20, false}, &copy) == NER_OK, ner_last_error());
  setenv("NER_RETRIEVER_STAND_IN_MEMORY", "1000", 1);
  CHECK(copy->add(rows.data(), 10, 1) == NER_OUT_OF_MEMORY && copy->size() == row_count, ner_last_error());
  unsetenv("NER_RETRIEVER_STAND_IN_MEMORY");

  setenv("NER_RETRIEVER_STAND_IN_GPUS", "0", 1);
  int count = 9;
  CHECK(ner_retriever::faiss_device_count(stand_in(), &count) == NER_OK && count == 0, ner_last_error());
  refused(*flat, on({0}), NER_UNAVAILABLE, "nvidia-smi");
  unsetenv("NER_RETRIEVER_STAND_IN_GPUS");

  while (copy->size() < 2100) CHECK(copy->add(rows.data(), row_count, 1) == NER_OK, ner_last_error());
  float scores[2100];
  uint32_t found[2100], counts[1];
  CHECK(copy->search(rows.data(), 1, 2049, {}, 1, scores, found, counts) == NER_INVALID_ARGUMENT, "2049");
  CHECK(std::strstr(ner_last_error(), "2048") != nullptr, ner_last_error());
  CHECK(copy->search(rows.data(), 1, 2048, {}, 1, scores, found, counts) == NER_OK && counts[0] == 2048, ner_last_error());
  CHECK(copy->search(rows.data(), 1, 5, {3, 0, 0}, 1, scores, found, counts) == NER_INVALID_ARGUMENT, "no lists");
}

TEST("a FAISS without GPUs says so, and how to have one with them") {
  const ner_faiss_api *api = ner_retriever::load_faiss(shipped_library);
  CHECK(api != nullptr, ner_last_error());
  int count = 9;
  const ner_status status = ner_retriever::faiss_device_count(*api, &count);
  if (status == NER_OK) {
    std::printf("    skipped: this FAISS has GPUs, and sees %d\n", count);
    return;
  }
  CHECK(status == NER_UNAVAILABLE && std::strstr(ner_last_error(), "docs/faiss-gpu.md") != nullptr, ner_last_error());
  std::unique_ptr<FaissIndex> index, copy;
  CHECK(FaissIndex::create(*api, "Flat", dimensions, &index) == NER_OK, ner_last_error());
  refused(*index, on({0}), NER_UNAVAILABLE, "FAISS_ENABLE_GPU");
}

int main(int argc, char **argv) {
  if (argc > 1) stand_in_library = argv[1];
  if (argc > 2) shipped_library = argv[2];
  return run_all();
}
