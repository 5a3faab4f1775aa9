#include "ner_retriever/index.h"

#include <cstring>
#include <limits>

#include "harness.h"
#include "ner_retriever/scan.h"

using ner_retriever::Index;

TEST("an index filled in pieces answers as a scan over all rows") {
  for (int round = 0; round < 20; ++round) {
    const size_t dimensions = random_size(1, 200);
    const size_t pieces = random_size(1, 40);
    for (const ner_instruction_set set : available_sets()) {
      const std::unique_ptr<Index> index = ner_retriever::make_exact_index(set, dimensions);
      CHECK(index != nullptr && index->size() == 0 && index->dimensions() == dimensions, "a new index");
      std::vector<float> all;
      for (size_t piece = 0; piece < pieces; ++piece) {
        const std::vector<float> rows = random_floats(random_size(0, 100) * dimensions);
        CHECK(index->add(rows.data(), rows.size() / dimensions) == NER_OK, ner_last_error());
        all.insert(all.end(), rows.begin(), rows.end());
        CHECK(index->size() == all.size() / dimensions, "size after adding");
        CHECK(index->bytes() >= all.size() * sizeof(float), "bytes after adding");
      }
      const std::vector<float> queries = random_floats(3 * dimensions);
      const size_t limit = random_size(0, index->size());
      std::vector<float> scores(3 * limit), expected_scores(3 * limit);
      std::vector<uint32_t> rows(3 * limit), expected_rows(3 * limit);
      const ner_rows segment = {all.data(), index->size()};
      CHECK(index->search(queries.data(), 3, limit, 2, scores.data(), rows.data()) == NER_OK, ner_last_error());
      CHECK(ner_scan_top_k(set, &segment, 1, dimensions, queries.data(), 3, limit, 1, expected_scores.data(),
                           expected_rows.data()) == NER_OK,
            ner_last_error());
      CHECK(rows == expected_rows && scores == expected_scores, ner_instruction_set_name(set));
    }
  }
}

TEST("an empty index answers with nothing, and more than there is is refused") {
  const std::unique_ptr<Index> index = ner_retriever::make_exact_index(NER_SCALAR, 3);
  const float query[3] = {1, 2, 3};
  CHECK(index->search(query, 1, 0, 1, nullptr, nullptr) == NER_OK, ner_last_error());
  CHECK(index->search(query, 1, 1, 1, nullptr, nullptr) == NER_INVALID_ARGUMENT, "limit 1 of 0");
  CHECK(index->add(query, size_t{1} << 33) == NER_INVALID_ARGUMENT, "2^33 rows");
  CHECK(index->size() == 0, "nothing was added");
  CHECK(ner_retriever::make_exact_index(NER_SCALAR, 0) == nullptr, "0 dimensions");
}

int main() { return run_all(); }
