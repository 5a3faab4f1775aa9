#include "ner_retriever/index.h"

#include <cstring>
#include <limits>

#include "harness.h"
#include "ner_retriever/search.h"

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
      ner_segment segment{};
      segment.vectors = all.data();
      segment.count = index->size();
      const ner_segments segments = {NER_FLOAT32, dimensions, &segment, 1};
      std::vector<size_t> counts(3);
      CHECK(index->search(queries.data(), 3, limit, 2, scores.data(), rows.data()) == NER_OK, ner_last_error());
      CHECK(ner_search_top_k(set, &segments, nullptr, queries.data(), 3, limit, 1, expected_scores.data(),
                             expected_rows.data(), counts.data(), nullptr) == NER_OK,
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
