#include "ner_retriever/faiss.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "harness.h"

using ner_retriever::Index;

// argv[1]: the shared library with FAISS, or nothing where it was not built.
static const char *library = "";

TEST("a library that is not there, or is none of ours, is refused with what to do") {
  CHECK(ner_retriever::load_faiss("nowhere/ner_retriever_faiss.so") == nullptr, "a missing file");
  CHECK(std::strstr(ner_last_error(), "libfaiss-dev") != nullptr, ner_last_error());
  CHECK(ner_retriever::load_faiss("/dev/null") == nullptr, "no library");
  CHECK(std::strstr(ner_last_error(), "could not be loaded") != nullptr, ner_last_error());
}

TEST("FAISS equals the exact scan") {
  const ner_faiss_api *api = *library == '\0' ? nullptr : ner_retriever::load_faiss(library);
  if (api == nullptr) {
    std::printf("    skipped, FAISS is not in this build\n");
    CHECK(*library == '\0', ner_last_error());
    return;
  }
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

    const std::unique_ptr<Index> faiss = ner_retriever::make_faiss_index(*api, dimensions);
    const std::unique_ptr<Index> exact = ner_retriever::make_exact_index(NER_SCALAR, dimensions);
    std::vector<float> faiss_scores(query_count * limit), exact_scores(query_count * limit);
    std::vector<uint32_t> faiss_rows(query_count * limit), exact_rows(query_count * limit);
    for (Index *index : {faiss.get(), exact.get()}) {
      CHECK(index->add(rows.data(), row_count / 2) == NER_OK, ner_last_error());
      CHECK(index->add(rows.data() + row_count / 2 * dimensions, row_count - row_count / 2) == NER_OK,
            ner_last_error());
      CHECK(index->size() == row_count, about);
    }
    CHECK(faiss->search(queries.data(), query_count, limit, 2, faiss_scores.data(), faiss_rows.data()) == NER_OK,
          ner_last_error());
    CHECK(exact->search(queries.data(), query_count, limit, 2, exact_scores.data(), exact_rows.data()) == NER_OK,
          ner_last_error());
    // The scores at every place agree; rows do where the score is apart from its neighbours', and by exact scores
    // always but among equals of the last place.
    const float tolerance = integers ? 0.0f : 1e-5f * static_cast<float>(dimensions);
    for (size_t place = 0; place < query_count * limit; ++place) {
      CHECK(std::fabs(faiss_scores[place] - exact_scores[place]) <= tolerance, about);
      const float last = exact_scores[place / limit * limit + limit - 1];
      if (integers && exact_scores[place] > last) CHECK(faiss_rows[place] == exact_rows[place], about);
    }
    if (integers && limit == row_count) CHECK(faiss_rows == exact_rows, about);
  }
}

TEST("with FAISS too, NaN comes last, and sizes are checked") {
  const ner_faiss_api *api = *library == '\0' ? nullptr : ner_retriever::load_faiss(library);
  if (api == nullptr) return;
  const std::unique_ptr<Index> index = ner_retriever::make_faiss_index(*api, 1);
  const float rows[5] = {std::numeric_limits<float>::quiet_NaN(), 1, 3, std::numeric_limits<float>::quiet_NaN(), 3};
  CHECK(index->add(rows, 5) == NER_OK, ner_last_error());
  const float query = 1;
  float scores[5];
  uint32_t found[5];
  CHECK(index->search(&query, 1, 5, 1, scores, found) == NER_OK, ner_last_error());
  const uint32_t expected[5] = {2, 4, 1, 0, 3};
  CHECK(std::memcmp(found, expected, sizeof expected) == 0, "order");
  CHECK(std::isnan(scores[3]) && std::isnan(scores[4]) && scores[2] == 1.0f, "scores");
  CHECK(index->search(&query, 1, 6, 1, scores, found) == NER_INVALID_ARGUMENT, "limit 6 of 5");
  CHECK(ner_retriever::make_faiss_index(*api, 0) == nullptr, "0 dimensions");
}

int main(int argc, char **argv) {
  if (argc > 1) library = argv[1];
  return run_all();
}
