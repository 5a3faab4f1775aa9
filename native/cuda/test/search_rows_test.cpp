#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "cuda_test.h"
#include "ner_retriever/bfloat16.h"
#include "ner_retriever/int8_scan.h"
#include "ner_retriever/search.h"

// The cases of native/test/search_test.cpp and document_search_test.cpp, for rows on the GPU. Scores are checked against
// float64, what is found against all scores and a full sort; int8's candidates against what the CPU finds.

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr uint32_t untouched_row = 0xABABABABu;
constexpr float untouched_score = 1e30f;

const char *name_of(ner_precision precision) {
  return precision == NER_FLOAT32 ? "float32" : precision == NER_BFLOAT16 ? "bfloat16" : "int8";
}

// Rows of documents in segments, in the columns of every precision.
struct Corpus {
  size_t dimensions;
  std::vector<float> vectors;
  std::vector<uint16_t> halves;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  std::vector<uint32_t> documents;
  std::vector<ner_segment> segments;

  // of_rows: the document of each row, or none; counts: rows of each segment.
  Corpus(std::vector<float> rows, size_t row_dimensions, std::vector<uint32_t> of_rows, const std::vector<size_t> &counts)
      : dimensions(row_dimensions), vectors(std::move(rows)), documents(std::move(of_rows)) {
    const size_t count = vectors.size() / dimensions;
    halves.resize(vectors.size());
    ner_bfloat16_round(vectors.data(), vectors.size(), halves.data());
    codes.resize(vectors.size());
    scales.resize(count);
    errors.resize(count);
    size_t first = 0;
    for (const size_t rows_in : counts) {
      float longest = 0;
      CHECK(ner_int8_quantise(vectors.data() + first * dimensions, rows_in, dimensions, codes.data() + first * dimensions,
                              scales.data() + first, errors.data() + first, &longest) == NER_OK,
            ner_last_error());
      segments.push_back({vectors.data() + first * dimensions, halves.data() + first * dimensions,
                          codes.data() + first * dimensions, scales.data() + first, errors.data() + first, longest, nullptr,
                          documents.empty() ? nullptr : documents.data() + first, rows_in});
      first += rows_in;
    }
    CHECK(first == count, "segments cover the rows");
  }
  Corpus(const Corpus &) = delete;

  size_t row_count() const { return scales.size(); }
  uint32_t document_of(size_t row) const { return documents.empty() ? static_cast<uint32_t>(row) : documents[row]; }
  ner_segments as(ner_precision precision) const { return {precision, dimensions, segments.data(), segments.size()}; }
};

// Rows on a device.
class DeviceRows {
 public:
  DeviceRows(ner_cuda_device *device, ner_precision precision, size_t dimensions) {
    CHECK_OK(api().rows_create(device, precision, dimensions, &rows_));
  }
  DeviceRows(ner_cuda_device *device, ner_precision precision, const Corpus &corpus)
      : DeviceRows(device, precision, corpus.dimensions) {
    for (const ner_segment &segment : corpus.segments) CHECK_OK(api().rows_append(rows_, &segment));
  }
  ~DeviceRows() { api().rows_destroy(rows_); }
  DeviceRows(const DeviceRows &) = delete;
  operator ner_cuda_rows *() const { return rows_; }

 private:
  ner_cuda_rows *rows_ = nullptr;
};

struct Hit {
  float score;
  uint32_t row;
};

bool is_better(const Hit &a, const Hit &b) {
  const bool a_is_nan = std::isnan(a.score), b_is_nan = std::isnan(b.score);
  if (a_is_nan != b_is_nan) return b_is_nan;
  if (!a_is_nan && a.score != b.score) return a.score > b.score;
  return a.row < b.row;
}

bool same_score(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

bool is_allowed(const ner_selection *selection, uint32_t document) {
  if (selection == nullptr || selection->documents == nullptr) return true;
  if (document / 8 >= selection->documents_bytes) return false;
  return (selection->documents[document / 8] & (1 << document % 8)) != 0;
}

// What the header says, in the plainest way: every row, the best one of each document, a full sort.
std::vector<Hit> whole_ranking(const Corpus &corpus, size_t row_count, const ner_selection *selection, const float *scores) {
  std::vector<Hit> hits;
  uint32_t last = 0;
  for (size_t row = selection == nullptr ? 0 : selection->first_row; row < std::min(row_count, corpus.row_count()); ++row) {
    const uint32_t document = corpus.document_of(row);
    if (!is_allowed(selection, document)) continue;
    const Hit hit = {scores[row], static_cast<uint32_t>(row)};
    if (hits.empty() || document != last) hits.push_back(hit);
    else if (is_better(hit, hits.back())) hits.back() = hit;
    last = document;
  }
  std::sort(hits.begin(), hits.end(), is_better);
  return hits;
}

// scores [queries, rows], checked against float64.
std::vector<float> all_scores(ner_cuda_rows *rows, const Corpus &corpus, ner_precision precision,
                              const std::vector<float> &queries, const std::string &about) {
  const size_t dimensions = corpus.dimensions, row_count = corpus.row_count(), query_count = queries.size() / dimensions;
  std::vector<uint32_t> chosen(row_count);
  std::iota(chosen.begin(), chosen.end(), 0u);
  std::vector<float> scores(query_count * row_count, untouched_score);
  CHECK_OK(api().rows_scores(rows, queries.data(), query_count, chosen.data(), row_count, scores.data()));
  std::vector<float> kept = corpus.vectors;
  if (precision == NER_BFLOAT16) ner_bfloat16_widen(corpus.halves.data(), kept.size(), kept.data());
  for (size_t query = 0; query < query_count; ++query)
    for (size_t row = 0; row < row_count; ++row) {
      double expected = 0, magnitude = 0;
      for (size_t i = 0; i < dimensions; ++i) {
        const double product =
            static_cast<double>(kept[row * dimensions + i]) * static_cast<double>(queries[query * dimensions + i]);
        expected += product;
        magnitude += std::fabs(product);
      }
      const float score = scores[query * row_count + row];
      if (!(magnitude < 1e38)) continue;  // float32 cannot hold what float64 can
      CHECK(std::fabs(static_cast<double>(score) - expected) <=
                magnitude * static_cast<double>(dimensions + 2) * 0x1p-24 + static_cast<double>(dimensions) * 0x1p-149,
            about + ", score of row " + std::to_string(row) + ": " + std::to_string(score) + " for " + std::to_string(expected));
    }
  return scores;
}

struct Found {
  std::vector<float> scores;
  std::vector<uint32_t> rows;
  std::vector<size_t> counts;
};

Found search(ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *queries,
             size_t query_count, size_t limit, size_t capacity) {
  Found found = {std::vector<float>(query_count * capacity, untouched_score),
                 std::vector<uint32_t>(query_count * capacity, untouched_row), std::vector<size_t>(query_count, 99)};
  const ner_cuda_found places = {capacity, found.scores.data(), found.rows.data(), found.counts.data()};
  CHECK_OK(api().rows_search(rows, row_count, selection, queries, query_count, limit, &places));
  return found;
}

void check_found(const Found &found, size_t query, size_t limit, const std::vector<Hit> &expected, const std::string &about) {
  CHECK(found.counts[query] == std::min(limit, expected.size()),
        about + ": " + std::to_string(found.counts[query]) + " found of " + std::to_string(std::min(limit, expected.size())));
  for (size_t place = 0; place < limit; ++place) {
    const size_t at = query * limit + place;
    if (place < expected.size())
      CHECK(found.rows[at] == expected[place].row && same_score(found.scores[at], expected[place].score),
            about + ", query " + std::to_string(query) + ", place " + std::to_string(place) + ": row " +
                std::to_string(found.rows[at]) + " for " + std::to_string(expected[place].row));
    else
      CHECK(found.rows[at] == untouched_row && found.scores[at] == untouched_score, about + ", a place beyond those found");
  }
}

// The whole ranking, and what is left of it above the score of one of its places.
void check_above(ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *query,
                 const std::vector<Hit> &whole, const std::string &about) {
  std::vector<float> minimums = {-infinity};
  if (!whole.empty()) minimums.push_back(whole[random_size(0, whole.size() - 1)].score);
  for (const float minimum : minimums) {
    if (std::isnan(minimum)) continue;
    std::vector<Hit> expected;
    for (const Hit &hit : whole)
      if (minimum == -infinity || hit.score >= minimum) expected.push_back(hit);
    std::vector<uint64_t> keys(expected.size() + 1, 7);
    size_t count = 99;
    CHECK_OK(api().rows_above(rows, row_count, selection, query, minimum, keys.data(), expected.size(), &count));
    CHECK(count == expected.size() && keys.back() == 7, about + ", ranking of " + std::to_string(count));
    std::sort(keys.begin(), keys.end() - 1, std::greater<>());
    for (size_t place = 0; place < expected.size(); ++place)
      CHECK(ner_ranking_row(keys[place]) == expected[place].row &&
                (ner_ranking_score(keys[place]) == expected[place].score || std::isnan(expected[place].score)),
            about + ", minimum " + std::to_string(minimum) + ", ranking place " + std::to_string(place));
    if (expected.empty()) continue;
    CHECK(api().rows_above(rows, row_count, selection, query, minimum, keys.data(), expected.size() - 1, &count) ==
              NER_INVALID_ARGUMENT,
          about + ", a place too few");
    CHECK(keys.back() == 7, about);
  }
}

// Every row that the CPU finds is among the candidates, whose bounds hold. Returns how many queries had too many.
size_t check_candidates(ner_cuda_rows *rows, const Corpus &corpus, size_t row_count, const ner_selection *selection,
                        const std::vector<float> &queries, size_t limit, size_t capacity, const std::string &about) {
  const size_t query_count = queries.size() / corpus.dimensions;
  const Found candidates = search(rows, row_count, selection, queries.data(), query_count, limit, capacity);
  std::vector<uint32_t> every(corpus.row_count());
  std::iota(every.begin(), every.end(), 0u);
  std::vector<float> scores(query_count * every.size());
  const ner_segments segments = corpus.as(NER_INT8);
  CHECK(ner_search_scores(NER_SCALAR, &segments, queries.data(), query_count, every.data(), every.size(), scores.data(),
                          nullptr) == NER_OK,
        ner_last_error());
  size_t too_many = 0;
  for (size_t query = 0; query < query_count; ++query) {
    const size_t count = candidates.counts[query];
    if (count > capacity) {
      ++too_many;
      continue;
    }
    const uint32_t *mine = candidates.rows.data() + query * capacity;
    const float *of_query = scores.data() + query * every.size();
    for (size_t i = 0; i < count; ++i) {
      CHECK(i == 0 || mine[i - 1] < mine[i], about + ", candidates do not rise");
      CHECK(mine[i] < row_count && is_allowed(selection, corpus.document_of(mine[i])), about + ", a row that may not be found");
      CHECK(!(candidates.scores[query * capacity + i] < of_query[mine[i]]), about + ", an upper bound");
    }
    const std::vector<Hit> whole = whole_ranking(corpus, row_count, selection, of_query);
    for (size_t place = 0; place < std::min(limit, whole.size()); ++place)
      CHECK(std::binary_search(mine, mine + count, whole[place].row),
            about + ", place " + std::to_string(place) + " is no candidate: row " + std::to_string(whole[place].row));
  }
  return too_many;
}

void check_search(ner_cuda_device *device, const Corpus &corpus, const ner_selection *selection, size_t row_count,
                  const std::vector<float> &queries, const std::vector<size_t> &limits, const std::string &kind) {
  const size_t query_count = queries.size() / corpus.dimensions;
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16}) {
    const DeviceRows rows(device, precision, corpus);
    const std::string about = kind + ", " + name_of(precision) + ", " + std::to_string(corpus.row_count()) + " x " +
                              std::to_string(corpus.dimensions) + ", " + std::to_string(query_count) + " queries";
    const std::vector<float> scores = all_scores(rows, corpus, precision, queries, about);
    for (const size_t limit : limits) {
      const Found found = search(rows, row_count, selection, queries.data(), query_count, limit, limit);
      for (size_t query = 0; query < query_count; ++query)
        check_found(found, query, limit,
                    whole_ranking(corpus, row_count, selection, scores.data() + query * corpus.row_count()),
                    about + ", limit " + std::to_string(limit));
    }
    check_above(rows, row_count, selection, queries.data(),
                whole_ranking(corpus, row_count, selection, scores.data()), about);
  }
  const DeviceRows rows(device, NER_INT8, corpus);
  for (const size_t limit : limits)
    check_candidates(rows, corpus, row_count, selection, queries, limit, random_size(1, 2 * corpus.row_count()),
                     kind + ", int8, " + std::to_string(corpus.row_count()) + " x " + std::to_string(corpus.dimensions) +
                         ", limit " + std::to_string(limit));
}

// Documents of the sizes that `size` says, some numbers left out, `count` rows in all.
template <class Size>
std::vector<uint32_t> make_documents(size_t count, const Size &size) {
  std::vector<uint32_t> documents;
  uint32_t document = 0;
  while (documents.size() < count) {
    if (random_size(0, 9) == 0) document += static_cast<uint32_t>(random_size(1, 30));
    documents.resize(std::min(count, documents.size() + size()), document++);
  }
  return documents;
}

// Cuts rows anywhere: also within documents, whose rows may come in several calls.
std::vector<size_t> cut(size_t count, size_t pieces) {
  std::vector<size_t> counts;
  size_t begin = 0;
  for (; pieces > 1; --pieces) {
    const size_t end = random_size(begin, count);
    counts.push_back(end - begin);
    begin = end;
  }
  counts.push_back(count - begin);
  return counts;
}

std::vector<uint8_t> make_bitmap(size_t bits, size_t one_in) {
  std::vector<uint8_t> bitmap((bits + 7) / 8);
  for (size_t bit = 0; bit < bits; ++bit)
    if (random_size(1, one_in) == 1) bitmap[bit / 8] = static_cast<uint8_t>(bitmap[bit / 8] | 1u << bit % 8);
  return bitmap;
}

const std::vector<std::string> kinds = {"random", "integers", "odd rows", "close", "zeros", "lengths"};

std::vector<float> make_rows(const std::string &kind, size_t count, size_t dimensions) {
  if (kind == "integers") return random_integers(count * dimensions, 1);
  std::vector<float> rows = random_floats(count * dimensions, kind == "close" ? 1e-4f : 1.0f);
  for (size_t row = 0; row < count; ++row) {
    float *mine = rows.data() + row * dimensions;
    if (kind == "close") mine[0] = 1;
    if (kind == "zeros" && random_size(0, 2) > 0) std::fill_n(mine, dimensions, 0.0f);
    if (kind == "lengths") {
      const float factor = std::ldexp(1.0f, static_cast<int>(random_size(0, 120)) - 60);
      for (size_t i = 0; i < dimensions; ++i) mine[i] *= factor;
    }
    if (kind == "odd rows" && random_size(0, 3) == 0) {
      const float odd[] = {not_a_number, infinity, -infinity, 3e38f, -0.0f, 1e-40f};
      mine[random_size(0, dimensions - 1)] = odd[random_size(0, 5)];
    }
  }
  return rows;
}

}  // namespace

CUDA_TEST("the best row of each document, whatever the documents, the selection, the sizes and the number of queries") {
  const TestDevice device;
  const size_t dimension_list[] = {1, 3, 64, 100, 256, 500, 513};
  const size_t query_counts[] = {1, 2, 3, 7, 8, 9, 17, 64, 65, 130};
  for (int round = 0; round < 8; ++round) {
    const std::string &kind = kinds[random_size(0, kinds.size() - 1)];
    const size_t dimensions = dimension_list[random_size(0, 6)];
    const size_t query_count = query_counts[random_size(0, round % 3 == 0 ? 9 : 5)];
    const size_t row_count = random_size(1, 60000 / (40 + dimensions) * 8 / (7 + query_count) + 20);
    const size_t most_rows = random_size(1, random_size(0, 3) == 0 ? 100 : 5);
    std::vector<uint32_t> documents;
    if (random_size(0, 4) != 0) documents = make_documents(row_count, [&] { return random_size(1, most_rows); });
    const Corpus corpus(make_rows(kind, row_count, dimensions), dimensions, documents, cut(row_count, random_size(1, 4)));
    const std::vector<float> queries = make_rows(random_size(0, 2) > 0 ? "random" : kind, query_count, dimensions);
    const size_t bits = corpus.document_of(row_count - 1) + 1;
    const size_t one_in[] = {1, 2, 7, 20, 500};
    // Often shorter than there are documents.
    const std::vector<uint8_t> bitmap =
        make_bitmap(random_size(0, 1) == 0 ? bits : random_size(0, bits), one_in[random_size(0, 4)]);
    ner_selection selection{};
    static const uint8_t nothing = 0;  // an empty bitmap is not the same as none
    if (random_size(0, 2) > 0) {
      selection.documents = bitmap.empty() ? &nothing : bitmap.data();
      selection.documents_bytes = bitmap.size();
    }
    if (random_size(0, 2) == 0) selection.first_row = static_cast<uint32_t>(random_size(0, row_count + 2));
    const size_t seen = random_size(0, 2) == 0 ? random_size(0, row_count) : SIZE_MAX;
    check_search(device, corpus, random_size(0, 3) == 0 ? nullptr : &selection, seen, queries,
                 {random_size(1, 10), random_size(1, row_count + 3)}, kind);
  }
}

CUDA_TEST("many rows: samples, thresholds and what passes them") {
  const TestDevice device;
  for (const size_t query_count : {size_t{2}, size_t{9}}) {
    const size_t row_count = 9000, dimensions = 5;
    const std::vector<uint32_t> documents = make_documents(row_count, [] { return random_size(1, 6); });
    const Corpus corpus(make_rows("random", row_count, dimensions), dimensions, documents, cut(row_count, 3));
    const std::vector<float> queries = make_rows("random", query_count, dimensions);
    const std::vector<uint8_t> few = make_bitmap(documents.back() + 1, 40);
    const ner_selection of_few = {few.data(), few.size(), 100};
    check_search(device, corpus, nullptr, SIZE_MAX, queries, {1, 10}, "many rows");
    check_search(device, corpus, &of_few, SIZE_MAX, queries, {10}, "many rows, few to be found");
  }
}

CUDA_TEST("rows that mislead every sample, and scores that are all the same") {
  const TestDevice device;
  const size_t row_count = 9000;
  std::vector<float> rising(row_count), hidden(row_count), same(row_count, 2.0f), zero(row_count);
  for (size_t row = 0; row < row_count; ++row) {
    rising[row] = static_cast<float>(row);
    // The sample for a limit of 10 is every 102nd row, for 1 every 1024th.
    hidden[row] = row % 102 == 0 || row % 1024 == 0 ? -static_cast<float>(row) : static_cast<float>(row * 2);
  }
  const std::vector<float> falling(rising.rbegin(), rising.rend());
  const std::vector<std::pair<std::string, std::vector<float>>> orders = {
      {"rising", rising}, {"falling", falling}, {"hidden", hidden}, {"same", same}, {"zero", zero}};
  for (const auto &order : orders) {
    const Corpus corpus(order.second, 1, {}, {row_count});
    check_search(device, corpus, nullptr, SIZE_MAX, {1.0f}, {1, 10, row_count}, order.first);
    if (order.first != "hidden" && order.first != "same") continue;
    const std::vector<float> nine(9, 1.0f);
    check_search(device, corpus, nullptr, SIZE_MAX, nine, {10}, order.first + ", nine queries");
  }
}

CUDA_TEST("a document of more rows than any other, better than all") {
  const TestDevice device;
  const size_t dimensions = 20;
  std::vector<uint32_t> documents = make_documents(1000, [] { return random_size(1, 4); });
  const uint32_t large = documents.back() + 1;
  documents.resize(6000, large);
  for (uint32_t row = 0; row < 300; ++row) documents.push_back(large + 1 + row / 2);
  std::vector<float> rows = make_rows("random", documents.size(), dimensions);
  const std::vector<float> queries = make_rows("random", 10, dimensions);
  for (size_t row = 1000; row < 6000; ++row)
    for (size_t i = 0; i < dimensions; ++i) rows[row * dimensions + i] += 3 * queries[i];
  const Corpus corpus(rows, dimensions, documents, {3000, 3300});
  const std::vector<float> alone(queries.begin(), queries.begin() + dimensions);
  ner_selection from_within{};
  from_within.first_row = 3333;
  check_search(device, corpus, nullptr, SIZE_MAX, alone, {1, 10, 900}, "a large document");
  check_search(device, corpus, &from_within, 5000, alone, {10}, "within a large document");
  check_search(device, corpus, nullptr, SIZE_MAX, queries, {10}, "a large document, ten queries");
}

CUDA_TEST("NaN comes last, infinities where they belong, and -0 equals 0") {
  const TestDevice device;
  const std::vector<float> values = {not_a_number, -0.0f, 1.0f, 0.0f, -infinity, infinity, not_a_number, -1.0f};
  const Corpus corpus(values, 1, {}, {values.size()});
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16})
    for (const size_t query_count : {size_t{1}, size_t{20}}) {
      const DeviceRows rows(device, precision, corpus);
      const std::vector<float> queries(query_count, 1.0f);
      const Found found = search(rows, SIZE_MAX, nullptr, queries.data(), query_count, 8, 8);
      for (size_t query = 0; query < query_count; ++query) {
        const std::vector<uint32_t> mine(found.rows.begin() + static_cast<std::ptrdiff_t>(query * 8),
                                         found.rows.begin() + static_cast<std::ptrdiff_t>(query * 8 + 8));
        CHECK((mine == std::vector<uint32_t>{5, 2, 1, 3, 7, 4, 0, 6}), name_of(precision));
        CHECK(std::isnan(found.scores[query * 8 + 6]) && found.scores[query * 8 + 5] == -infinity, name_of(precision));
      }
    }
}

CUDA_TEST("a query that is no number, or too long, beside others") {
  const TestDevice device;
  const size_t dimensions = 30;
  const Corpus corpus(make_rows("random", 500, dimensions), dimensions, {}, {500});
  std::vector<float> queries = make_rows("random", 12, dimensions);
  queries[0] = not_a_number;
  queries[1 * dimensions] = infinity;
  for (size_t i = 0; i < dimensions; ++i) {
    queries[2 * dimensions + i] *= 1e25f;
    queries[3 * dimensions + i] *= 1e-42f;
    queries[4 * dimensions + i] = 0;
  }
  check_search(device, corpus, nullptr, SIZE_MAX, queries, {1, 7, 500}, "odd queries");
}

CUDA_TEST("a query's scores are the same bits alone and in any company") {
  const TestDevice device;
  for (const size_t dimensions : {size_t{5}, size_t{77}, size_t{500}})
    for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16}) {
      const Corpus corpus(make_rows("random", 300, dimensions), dimensions, {}, {100, 200});
      const DeviceRows rows(device, precision, corpus);
      const std::vector<float> queries = make_rows("random", 70, dimensions);
      const Found all = search(rows, SIZE_MAX, nullptr, queries.data(), 70, 20, 20);
      for (const size_t first : {size_t{0}, size_t{33}, size_t{62}})
        for (const size_t count : {size_t{1}, size_t{2}, size_t{3}, size_t{8}}) {
          const Found some = search(rows, SIZE_MAX, nullptr, queries.data() + first * dimensions, count, 20, 20);
          CHECK(std::equal(some.rows.begin(), some.rows.end(), all.rows.begin() + static_cast<std::ptrdiff_t>(first * 20)) &&
                    std::memcmp(some.scores.data(), all.scores.data() + first * 20, some.scores.size() * sizeof(float)) == 0,
                std::string(name_of(precision)) + ", " + std::to_string(count) + " queries from " + std::to_string(first));
        }
    }
}

CUDA_TEST("rows come in any number of calls, and each view of them stays what it was") {
  const TestDevice device;
  const size_t dimensions = 9, row_count = 1200;
  const std::vector<uint32_t> documents = make_documents(row_count, [] { return random_size(1, 7); });
  const std::vector<size_t> counts = cut(row_count, 40);
  const Corpus corpus(make_rows("random", row_count, dimensions), dimensions, documents, counts);
  const std::vector<float> query = make_rows("random", 1, dimensions);
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16}) {
    const DeviceRows rows(device, precision, dimensions);
    std::vector<size_t> views;
    size_t there = 0;
    for (const ner_segment &segment : corpus.segments) {
      CHECK_OK(api().rows_append(rows, &segment));
      views.push_back(there += segment.count);
    }
    const std::vector<float> scores = all_scores(rows, corpus, precision, query, "growth");
    for (const size_t view : views)
      check_found(search(rows, view, nullptr, query.data(), 1, 10, 10), 0, 10,
                  whole_ranking(corpus, view, nullptr, scores.data()), "a view of " + std::to_string(view) + " rows");
  }
}

CUDA_TEST("where memory ends nothing is added, and what is there is found as before") {
  const size_t dimensions = 64, row_count = 3000;
  const Corpus corpus(make_rows("random", row_count, dimensions), dimensions, {}, {row_count});
  const std::vector<float> query = make_rows("random", 1, dimensions);
  const TestDevice device({size_t{4} << 20, size_t{1} << 16, ""});
  const DeviceRows rows(device, NER_FLOAT32, dimensions);
  CHECK_OK(api().rows_append(rows, &corpus.segments[0]));
  const Found before = search(rows, SIZE_MAX, nullptr, query.data(), 1, 5, 5);
  const Corpus more(make_rows("random", 20000, dimensions), dimensions, {}, {20000});
  CHECK(api().rows_append(rows, &more.segments[0]) == NER_OUT_OF_MEMORY, api().last_error());
  const Found after = search(rows, SIZE_MAX, nullptr, query.data(), 1, 5, 5);
  CHECK(before.rows == after.rows && before.scores == after.scores, "found as before");
  const uint32_t beyond = static_cast<uint32_t>(row_count);
  float score = 0;
  CHECK(api().rows_scores(rows, query.data(), 1, &beyond, 1, &score) == NER_INVALID_ARGUMENT, "nothing was added");
  if (emulated() == nullptr) return;
  // Each allocation of an append, one after the other, is the one that fails.
  for (unsigned nth = 1; nth < 50; ++nth) {
    const TestDevice roomy;
    const DeviceRows growing(roomy, NER_BFLOAT16, dimensions);
    CHECK_OK(api().rows_append(growing, &corpus.segments[0]));
    const Found first = search(growing, SIZE_MAX, nullptr, query.data(), 1, 5, 5);
    emulated()->fail_allocation(nth);
    const ner_status status = api().rows_append(growing, &more.segments[0]);
    emulated()->fail_allocation(0);
    if (status == NER_OK) break;
    CHECK(status == NER_OUT_OF_MEMORY, api().last_error());
    const Found second = search(growing, SIZE_MAX, nullptr, query.data(), 1, 5, 5);
    CHECK(first.rows == second.rows, "allocation " + std::to_string(nth));
    CHECK_OK(api().rows_append(growing, &more.segments[0]));
  }
}

CUDA_TEST("many queries are answered in smaller batches where memory is short") {
  if (emulated() == nullptr) return;
  const TestDevice device;
  const size_t dimensions = 10, query_count = 40;
  const Corpus corpus(make_rows("random", 500, dimensions), dimensions, {}, {500});
  const std::vector<float> queries = make_rows("random", query_count, dimensions);
  const DeviceRows rows(device, NER_BFLOAT16, corpus);
  const Found expected = search(rows, SIZE_MAX, nullptr, queries.data(), query_count, 5, 5);
  for (unsigned nth = 1; nth < 9; ++nth) {
    const DeviceRows again(device, NER_BFLOAT16, corpus);
    emulated()->fail_allocation(nth);
    const Found found = search(again, SIZE_MAX, nullptr, queries.data(), query_count, 5, 5);
    emulated()->fail_allocation(0);
    CHECK(found.rows == expected.rows && found.scores == expected.scores, "allocation " + std::to_string(nth));
  }
}

CUDA_TEST("int8: where there are too many candidates it is said, and where there are few all are there") {
  const TestDevice device;
  const size_t row_count = 9000, dimensions = 48;
  const Corpus corpus(make_rows("random", row_count, dimensions), dimensions, {}, {4000, 5000});
  const std::vector<float> queries = make_rows("random", 20, dimensions);
  const DeviceRows rows(device, NER_INT8, corpus);
  CHECK(check_candidates(rows, corpus, SIZE_MAX, nullptr, queries, 10, 2000, "room for all") == 0, "room for all");
  CHECK(check_candidates(rows, corpus, SIZE_MAX, nullptr, queries, 10, 9, "no room") == 20, "no room");
  CHECK(check_candidates(rows, corpus, SIZE_MAX, nullptr, queries, 8000, 9000, "nearly all") == 20, "nearly all");
}

CUDA_TEST("what cannot be is refused; nothing to find is fine") {
  const TestDevice device;
  ner_cuda_rows *none = nullptr;
  CHECK(api().rows_create(device, NER_FLOAT32, 0, &none) == NER_INVALID_ARGUMENT, api().last_error());
  CHECK(api().rows_create(device, NER_INT8, 65537, &none) == NER_INVALID_ARGUMENT, api().last_error());
  const DeviceRows rows(device, NER_FLOAT32, 2);
  const float values[2] = {1, 2};
  const uint32_t document = 3;
  float score = 7;
  uint32_t found_row = 7;
  size_t count = 7;
  const ner_cuda_found found = {1, &score, &found_row, &count};
  CHECK_OK(api().rows_search(rows, SIZE_MAX, nullptr, values, 1, 1, &found));
  CHECK(count == 0 && found_row == 7, "no rows");
  ner_segment segment{};
  segment.count = 1;
  CHECK(api().rows_append(rows, &segment) == NER_INVALID_ARGUMENT, "a column that is not there");
  segment.vectors = values;
  CHECK_OK(api().rows_append(rows, &segment));
  segment.documents = &document;
  CHECK(api().rows_append(rows, &segment) == NER_INVALID_ARGUMENT, "documents in one of two");
  CHECK_OK(api().rows_search(rows, SIZE_MAX, nullptr, values, 0, 1, &found));
  CHECK_OK(api().rows_search(rows, SIZE_MAX, nullptr, values, 1, 0, &found));
  CHECK(count == 0, "limit 0");
  CHECK_OK(api().rows_search(rows, SIZE_MAX, nullptr, values, 1, 2, &found));
  CHECK(count == 1 && score == 5 && found_row == 0, "limit 2 of 1");
  uint64_t key = 0;
  CHECK(api().rows_above(rows, SIZE_MAX, nullptr, values, not_a_number, &key, 1, &count) == NER_INVALID_ARGUMENT, "NaN");
  CHECK_OK(api().rows_scores(rows, values, 1, nullptr, 0, nullptr));
}
