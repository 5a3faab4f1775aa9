#include "ner_retriever/search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "harness.h"

namespace {

struct Rows {
  const float *data;
  size_t count;
};

struct Found {
  std::vector<float> scores;
  std::vector<uint32_t> rows;
};

Found scan(ner_instruction_set set, const std::vector<Rows> &rows, size_t dimensions, const std::vector<float> &queries,
           size_t limit, unsigned threads) {
  const size_t count = queries.size() / dimensions;
  Found found{std::vector<float>(count * limit, 1e30f), std::vector<uint32_t>(count * limit, 0xABABABABu)};
  std::vector<ner_segment> segments(rows.size(), ner_segment{});
  for (size_t i = 0; i < rows.size(); ++i) {
    segments[i].vectors = rows[i].data;
    segments[i].count = rows[i].count;
  }
  const ner_segments all = {NER_FLOAT32, dimensions, segments.data(), segments.size()};
  std::vector<size_t> counts(count);
  CHECK(ner_search_top_k(set, &all, nullptr, queries.data(), count, limit, threads, found.scores.data(),
                         found.rows.data(), counts.data(), nullptr) == NER_OK,
        ner_last_error());
  for (const size_t there : counts) CHECK(there == limit, "as many as were asked for");
  return found;
}

double dot(const float *a, const float *b, size_t dimensions, double *magnitude) {
  double sum = 0;
  *magnitude = 0;
  for (size_t i = 0; i < dimensions; ++i) {
    const double product = static_cast<double>(a[i]) * static_cast<double>(b[i]);
    sum += product;
    *magnitude += std::fabs(product);
  }
  return sum;
}

std::string describe(ner_instruction_set set, size_t rows, size_t dimensions, size_t queries, size_t limit,
                     unsigned threads) {
  return std::string(ner_instruction_set_name(set)) + ", " + std::to_string(rows) + " x " + std::to_string(dimensions) +
         ", " + std::to_string(queries) + " queries, limit " + std::to_string(limit) + ", " + std::to_string(threads) +
         " threads";
}

bool same_bits(const Found &a, const Found &b) {
  return a.rows == b.rows && a.scores.size() == b.scores.size() &&
         std::memcmp(a.scores.data(), b.scores.data(), a.scores.size() * sizeof(float)) == 0;
}

}  // namespace

TEST("scores and ranking agree with float64 on random shapes") {
  for (int round = 0; round < 80; ++round) {
    const size_t dimensions = round < 40 ? static_cast<size_t>(round) + 1 : random_size(1, 530);
    const size_t row_count = random_size(1, round % 8 == 0 ? 9000 : 300);
    const size_t query_count = random_size(1, 15);
    const size_t limit = random_size(1, row_count);
    const auto threads = static_cast<unsigned>(random_size(1, 4));
    const std::vector<float> rows = random_floats(row_count * dimensions);
    const std::vector<float> queries = random_floats(query_count * dimensions);
    for (const ner_instruction_set set : available_sets()) {
      const std::string about = describe(set, row_count, dimensions, query_count, limit, threads);
      const Found found = scan(set, {{rows.data(), row_count}}, dimensions, queries, limit, threads);
      for (size_t query = 0; query < query_count; ++query) {
        std::vector<bool> seen(row_count);
        double error = 0;
        for (size_t place = 0; place < limit; ++place) {
          const size_t at = query * limit + place;
          const uint32_t row = found.rows[at];
          CHECK(row < row_count && !seen[row], about);
          if (row >= row_count) return;
          seen[row] = true;
          double magnitude;
          const double expected =
              dot(rows.data() + row * dimensions, queries.data() + query * dimensions, dimensions, &magnitude);
          error = std::fmax(error, magnitude * 1e-6);
          CHECK(std::fabs(static_cast<double>(found.scores[at]) - expected) <= magnitude * 1e-6, about);
          if (place > 0)
            CHECK(found.scores[at - 1] > found.scores[at] ||
                      (found.scores[at - 1] == found.scores[at] && found.rows[at - 1] < row),
                  about);
        }
        const double last = static_cast<double>(found.scores[query * limit + limit - 1]);
        for (size_t row = 0; row < row_count; ++row) {
          double magnitude;
          const double score =
              dot(rows.data() + row * dimensions, queries.data() + query * dimensions, dimensions, &magnitude);
          if (!seen[row]) CHECK(score <= last + magnitude * 1e-6 + error, about + ", missed row " + std::to_string(row));
        }
      }
    }
  }
}

TEST("top-k is the head of the full sort, whatever the threads, the other queries and the cut into segments") {
  for (int round = 0; round < 20; ++round) {
    const size_t dimensions = random_size(1, 100);
    const size_t row_count = random_size(2, 4000);
    const size_t query_count = random_size(1, 20);
    const size_t limit = random_size(1, row_count);
    const size_t cut = random_size(0, row_count);
    const std::vector<float> rows = random_floats(row_count * dimensions);
    const std::vector<float> queries = random_floats(query_count * dimensions);
    for (const ner_instruction_set set : available_sets()) {
      const std::string about = describe(set, row_count, dimensions, query_count, limit, 3);
      const Found all = scan(set, {{rows.data(), row_count}}, dimensions, queries, row_count, 1);
      const Found top = scan(set,
                             {{rows.data(), cut}, {rows.data(), 0}, {rows.data() + cut * dimensions, row_count - cut}},
                             dimensions, queries, limit, 3);
      for (size_t query = 0; query < query_count; ++query) {
        CHECK(std::equal(top.rows.begin() + static_cast<std::ptrdiff_t>(query * limit),
                         top.rows.begin() + static_cast<std::ptrdiff_t>(query * limit + limit),
                         all.rows.begin() + static_cast<std::ptrdiff_t>(query * row_count)),
              about);
        const std::vector<float> alone(queries.begin() + static_cast<std::ptrdiff_t>(query * dimensions),
                                       queries.begin() + static_cast<std::ptrdiff_t>((query + 1) * dimensions));
        const Found single = scan(set, {{rows.data(), row_count}}, dimensions, alone, row_count, 2);
        CHECK(std::memcmp(single.scores.data(), all.scores.data() + query * row_count, row_count * sizeof(float)) == 0,
              about);
      }
    }
  }
}

TEST("ties go by lower row, exactly, on every set") {
  for (int round = 0; round < 20; ++round) {
    const size_t dimensions = random_size(1, 60);
    const size_t row_count = random_size(1, 5000);
    const size_t limit = random_size(1, std::min<size_t>(row_count, 300));
    const std::vector<float> rows = random_integers(row_count * dimensions, 1);
    const std::vector<float> queries = random_integers(3 * dimensions, 1);
    for (const ner_instruction_set set : available_sets()) {
      const Found found = scan(set, {{rows.data(), row_count}}, dimensions, queries, limit, 4);
      for (size_t query = 0; query < 3; ++query) {
        std::vector<double> scores(row_count);
        for (size_t row = 0; row < row_count; ++row) {
          double magnitude;
          scores[row] = dot(rows.data() + row * dimensions, queries.data() + query * dimensions, dimensions, &magnitude);
        }
        std::vector<uint32_t> expected(row_count);
        std::iota(expected.begin(), expected.end(), 0u);
        std::stable_sort(expected.begin(), expected.end(), [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
        CHECK(std::equal(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(limit),
                         found.rows.begin() + static_cast<std::ptrdiff_t>(query * limit)),
              describe(set, row_count, dimensions, 3, limit, 4));
      }
    }
  }
}

TEST("NaN comes last, infinities where they belong, and -0 equals 0") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> rows = {nan, -0.0f, 1.0f, 0.0f, -infinity, infinity, nan, -1.0f};
  for (const ner_instruction_set set : available_sets()) {
    const Found found = scan(set, {{rows.data(), rows.size()}}, 1, {1.0f}, rows.size(), 2);
    CHECK((found.rows == std::vector<uint32_t>{5, 2, 1, 3, 7, 4, 0, 6}), ner_instruction_set_name(set));
    CHECK(std::isnan(found.scores[6]) && std::isnan(found.scores[7]) && found.scores[5] == -infinity,
          ner_instruction_set_name(set));
    // Many NaN before and after the limit is reached.
    std::vector<float> mostly_nan(2000, nan);
    mostly_nan[1500] = 2.0f;
    mostly_nan[3] = 1.0f;
    const Found three = scan(set, {{mostly_nan.data(), 2000}}, 1, {1.0f}, 3, 2);
    CHECK((three.rows == std::vector<uint32_t>{1500, 3, 0}), ner_instruction_set_name(set));
  }
}

TEST("rising and falling scores, the worst cases of the selection") {
  const size_t count = 20000;
  std::vector<float> rising(count);
  for (size_t i = 0; i < count; ++i) rising[i] = static_cast<float>(i);
  const std::vector<float> falling(rising.rbegin(), rising.rend());
  for (const ner_instruction_set set : available_sets())
    for (const size_t limit : {size_t{1}, size_t{10}, size_t{9999}, count}) {
      const Found up = scan(set, {{rising.data(), count}}, 1, {1.0f}, limit, 2);
      const Found down = scan(set, {{falling.data(), count}}, 1, {1.0f}, limit, 2);
      for (size_t place = 0; place < limit; ++place)
        CHECK(up.rows[place] == count - 1 - place && down.rows[place] == place, ner_instruction_set_name(set));
    }
}

TEST("the number of threads changes nothing") {
  const std::vector<float> rows = random_floats(20000 * 48);
  const std::vector<float> queries = random_floats(9 * 48);
  for (const ner_instruction_set set : available_sets()) {
    const Found one = scan(set, {{rows.data(), 20000}}, 48, queries, 57, 1);
    for (const unsigned threads : {0u, 2u, 3u, 16u})
      CHECK(same_bits(one, scan(set, {{rows.data(), 20000}}, 48, queries, 57, threads)),
            describe(set, 20000, 48, 9, 57, threads));
  }
}

TEST("sizes that cannot be are refused; nothing to find is fine") {
  const float row[2] = {1, 2};
  ner_segment segment{};
  segment.vectors = row;
  segment.count = 1;
  float scores[2] = {7, 7};
  uint32_t found[2] = {7, 7};
  size_t count = 7;
  const auto search = [&](const ner_segment *segments, size_t segment_count, size_t dimensions, size_t queries,
                          size_t limit) {
    const ner_segments all = {NER_FLOAT32, dimensions, segments, segment_count};
    return ner_search_top_k(NER_SCALAR, &all, nullptr, row, queries, limit, 1, scores, found, &count, nullptr);
  };
  CHECK(search(&segment, 1, 0, 1, 1) == NER_INVALID_ARGUMENT, "0 dimensions");
  CHECK(search(&segment, 1, 2, 0, 1) == NER_OK && count == 7, "no queries");
  CHECK(search(nullptr, 0, 2, 1, 1) == NER_OK && count == 0, "no rows");
  CHECK(search(&segment, 1, 2, 1, 0) == NER_OK && count == 0, "limit 0");
  CHECK(search(&segment, 1, 2, 1, 2) == NER_OK && count == 1, "limit 2 of 1");
  CHECK(scores[0] == 5 && found[0] == 0 && scores[1] == 7 && found[1] == 7, "the other place is left as it is");
  segment.vectors = nullptr;
  CHECK(search(&segment, 1, 2, 1, 1) == NER_INVALID_ARGUMENT, "a column that is not there");
}

int main() { return run_all(); }
