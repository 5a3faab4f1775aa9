#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "harness.h"
#include "ner_retriever/bfloat16.h"
#include "ner_retriever/crc32c.h"
#include "ner_retriever/int8_scan.h"
#include "ner_retriever/search.h"

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();

constexpr ner_precision precisions[] = {NER_FLOAT32, NER_BFLOAT16, NER_INT8};

const char *name_of(ner_precision precision) {
  return precision == NER_FLOAT32 ? "float32" : precision == NER_BFLOAT16 ? "bfloat16" : "int8";
}

// The rows of documents in segments, in the columns of every precision.
struct Corpus {
  size_t dimensions;
  std::vector<float> vectors;
  std::vector<uint16_t> halves;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  std::vector<uint32_t> checksums, documents;
  std::vector<ner_segment> segments;

  // documents: rising; counts: rows of each segment, which end where a document ends.
  Corpus(std::vector<float> rows, size_t row_dimensions, std::vector<uint32_t> of_rows, const std::vector<size_t> &counts)
      : dimensions(row_dimensions), vectors(std::move(rows)), documents(std::move(of_rows)) {
    const size_t count = vectors.size() / dimensions;
    halves.resize(vectors.size());
    ner_bfloat16_round(vectors.data(), vectors.size(), halves.data());
    codes.resize(vectors.size());
    scales.resize(count);
    errors.resize(count);
    for (size_t row = 0; row < count; ++row)
      checksums.push_back(ner_crc32c(vectors.data() + row * dimensions, dimensions * sizeof(float), 0));
    size_t first = 0;
    for (const size_t rows_in : counts) {
      float longest;
      CHECK(ner_int8_quantise(vectors.data() + first * dimensions, rows_in, dimensions, codes.data() + first * dimensions,
                              scales.data() + first, errors.data() + first, &longest) == NER_OK,
            ner_last_error());
      segments.push_back({vectors.data() + first * dimensions, halves.data() + first * dimensions,
                          codes.data() + first * dimensions, scales.data() + first, errors.data() + first, longest,
                          checksums.data() + first, documents.empty() ? nullptr : documents.data() + first, rows_in});
      first += rows_in;
    }
    CHECK(first == count, "segments cover the rows");
  }
  Corpus(const Corpus &) = delete;

  size_t row_count() const { return scales.size(); }
  uint32_t document_of(size_t row) const { return documents.empty() ? static_cast<uint32_t>(row) : documents[row]; }
  ner_segments as(ner_precision precision) const { return {precision, dimensions, segments.data(), segments.size()}; }
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

bool is_allowed(const ner_selection *selection, uint32_t document) {
  if (selection == nullptr || selection->documents == nullptr) return true;
  if (document / 8 >= selection->documents_bytes) return false;
  return (selection->documents[document / 8] & (1 << document % 8)) != 0;
}

// scores[query][row]; they are checked against float64 in a test of their own.
std::vector<std::vector<float>> scores_of_rows(ner_instruction_set set, const Corpus &corpus, ner_precision precision,
                                               const std::vector<float> &queries) {
  const size_t query_count = queries.size() / corpus.dimensions, row_count = corpus.row_count();
  std::vector<uint32_t> rows(row_count);
  std::iota(rows.begin(), rows.end(), 0u);
  std::vector<float> scores(query_count * row_count);
  const ner_segments segments = corpus.as(precision);
  CHECK(ner_search_scores(set, &segments, queries.data(), query_count, rows.data(), row_count, scores.data(), nullptr) ==
            NER_OK,
        ner_last_error());
  std::vector<std::vector<float>> of_queries;
  for (size_t query = 0; query < query_count; ++query)
    of_queries.emplace_back(scores.begin() + static_cast<std::ptrdiff_t>(query * row_count),
                            scores.begin() + static_cast<std::ptrdiff_t>((query + 1) * row_count));
  return of_queries;
}

// What the header says, in the plainest way: every row, the best one of each document, a full sort.
std::vector<Hit> whole_ranking(const Corpus &corpus, const ner_selection *selection, const std::vector<float> &scores) {
  std::vector<Hit> hits;
  uint32_t last = 0;
  for (size_t row = selection == nullptr ? 0 : selection->first_row; row < corpus.row_count(); ++row) {
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

bool same_score(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

// The whole ranking, and what is left of it above the score of one of its places.
void check_ranking(ner_instruction_set set, const Corpus &corpus, ner_precision precision, const ner_selection *selection,
                   const float *query, const std::vector<Hit> &whole, unsigned threads, const std::string &about) {
  const ner_segments segments = corpus.as(precision);
  std::vector<float> minimums = {-infinity};
  if (!whole.empty()) minimums.push_back(whole[random_size(0, whole.size() - 1)].score);
  for (const float minimum : minimums) {
    if (std::isnan(minimum)) continue;
    std::vector<Hit> expected;
    for (const Hit &hit : whole)
      if (minimum == -infinity || hit.score >= minimum) expected.push_back(hit);
    std::vector<uint64_t> keys(expected.size() + 1, 7);
    size_t count = 99;
    CHECK(ner_search_ranking(set, &segments, selection, query, minimum, threads, keys.data(), expected.size(), &count,
                             nullptr) == NER_OK,
          about + ", ranking: " + ner_last_error());
    CHECK(count == expected.size() && keys.back() == 7, about + ", ranking of " + std::to_string(count));
    for (size_t place = 0; place < expected.size(); ++place)
      CHECK(ner_ranking_row(keys[place]) == expected[place].row &&
                (ner_ranking_score(keys[place]) == expected[place].score ||
                 (std::isnan(ner_ranking_score(keys[place])) && std::isnan(expected[place].score))),
            about + ", minimum " + std::to_string(minimum) + ", ranking place " + std::to_string(place));
    if (expected.empty()) continue;
    CHECK(ner_search_ranking(set, &segments, selection, query, minimum, threads, keys.data(), expected.size() - 1,
                             &count, nullptr) == NER_INVALID_ARGUMENT,
          about + ", a place too few");
    CHECK(keys.back() == 7, about);
  }
}

void check_search(ner_instruction_set set, const Corpus &corpus, const ner_selection *selection,
                  const std::vector<float> &queries, size_t limit, unsigned threads, const std::string &kind) {
  const size_t query_count = queries.size() / corpus.dimensions;
  for (const ner_precision precision : precisions) {
    const std::string about = kind + ", " + name_of(precision) + ", " + ner_instruction_set_name(set) + ", " +
                              std::to_string(corpus.row_count()) + " x " + std::to_string(corpus.dimensions) + ", " +
                              std::to_string(query_count) + " queries, limit " + std::to_string(limit) + ", " +
                              std::to_string(threads) + " threads";
    const std::vector<std::vector<float>> row_scores = scores_of_rows(set, corpus, precision, queries);
    const ner_segments segments = corpus.as(precision);
    std::vector<float> scores(query_count * limit, 1e30f);
    std::vector<uint32_t> rows(query_count * limit, 0xABABABABu);
    std::vector<size_t> counts(query_count, 99);
    uint32_t damaged = 77;
    CHECK(ner_search_top_k(set, &segments, selection, queries.data(), query_count, limit, threads, scores.data(),
                           rows.data(), counts.data(), &damaged) == NER_OK,
          about + ": " + ner_last_error());
    CHECK(damaged == 77, about);
    for (size_t query = 0; query < query_count; ++query) {
      const std::vector<Hit> mine = whole_ranking(corpus, selection, row_scores[query]);
      check_ranking(set, corpus, precision, selection, queries.data() + query * corpus.dimensions, mine, threads, about);
      CHECK(counts[query] == std::min(limit, mine.size()), about + ", " + std::to_string(counts[query]) + " found");
      for (size_t place = 0; place < limit; ++place) {
        const size_t at = query * limit + place;
        if (place < mine.size())
          CHECK(rows[at] == mine[place].row && same_score(scores[at], mine[place].score),
                about + ", place " + std::to_string(place) + ": row " + std::to_string(rows[at]) + " for " +
                    std::to_string(mine[place].row));
        else
          CHECK(rows[at] == 0xABABABABu && scores[at] == 1e30f, about + ", a place beyond those found");
      }
    }
  }
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

// Cuts rows where documents end.
std::vector<size_t> cut(const std::vector<uint32_t> &documents, size_t count, size_t pieces) {
  std::vector<size_t> counts;
  size_t begin = 0;
  for (; pieces > 1; --pieces) {
    size_t end = random_size(begin, count);
    while (!documents.empty() && end > begin && end < count && documents[end] == documents[end - 1]) ++end;
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

const std::vector<std::string> kinds = {"random", "integers", "odd rows", "close", "zeros"};

std::vector<float> make_rows(const std::string &kind, size_t count, size_t dimensions) {
  if (kind == "integers") return random_integers(count * dimensions, 1);
  std::vector<float> rows = random_floats(count * dimensions, kind == "close" ? 1e-4f : 1.0f);
  for (size_t row = 0; row < count; ++row) {
    float *mine = rows.data() + row * dimensions;
    if (kind == "close") mine[0] = 1;
    if (kind == "zeros" && random_size(0, 2) > 0) std::fill_n(mine, dimensions, 0.0f);
    if (kind == "odd rows" && random_size(0, 3) == 0) {
      const float odd[] = {not_a_number, infinity, -infinity, 3e38f, -0.0f};
      mine[random_size(0, dimensions - 1)] = odd[random_size(0, 4)];
    }
  }
  return rows;
}

}  // namespace

TEST("the best row of each document, whatever the documents, the selection, the sizes and the threads") {
  for (int round = 0; round < 150; ++round) {
    const std::string &kind = kinds[static_cast<size_t>(round) % kinds.size()];
    const size_t dimensions = random_size(1, round % 3 == 0 ? 400 : 40);
    const size_t row_count = random_size(1, round % 4 == 0 ? 6000 : 500) * 40 / (40 + dimensions) + 1;
    const size_t most_rows = random_size(1, random_size(0, 3) == 0 ? 300 : 5);
    std::vector<uint32_t> documents;
    if (round % 7 != 0) documents = make_documents(row_count, [&] { return random_size(1, most_rows); });
    const std::vector<size_t> counts = cut(documents, row_count, random_size(1, 4));
    const Corpus corpus(make_rows(kind, row_count, dimensions), dimensions, documents, counts);
    const std::vector<float> queries = make_rows(random_size(0, 1) == 0 ? "random" : kind,
                                                 random_size(1, round % 10 == 0 ? 70 : 6), dimensions);
    const size_t limit = random_size(1, random_size(0, 3) == 0 ? row_count + 3 : row_count / 10 + 1);

    const size_t bits = corpus.document_of(row_count - 1) + 1;
    const size_t one_in[] = {1, 2, 7, 20, 500};
    // Often shorter than there are documents.
    const std::vector<uint8_t> bitmap =
        make_bitmap(random_size(0, 1) == 0 ? bits : random_size(0, bits), one_in[random_size(0, 4)]);
    ner_selection selection{};
    if (random_size(0, 2) > 0) {
      // An empty bitmap is not the same as none.
      static const uint8_t nothing = 0;
      selection.documents = bitmap.empty() ? &nothing : bitmap.data();
      selection.documents_bytes = bitmap.size();
    }
    if (random_size(0, 2) == 0) selection.first_row = static_cast<uint32_t>(random_size(0, row_count + 2));
    for (const ner_instruction_set set : available_sets())
      check_search(set, corpus, random_size(0, 5) == 0 ? nullptr : &selection, queries, limit,
                   static_cast<unsigned>(random_size(0, 3)), kind);
  }
}

TEST("a document of more rows than many blocks, among small ones") {
  for (const size_t dimensions : {size_t{48}, size_t{300}})
    for (const std::string &kind : {std::string("random"), std::string("integers")}) {
      std::vector<uint32_t> documents = make_documents(1500, [] { return random_size(1, 4); });
      const uint32_t large = documents.back() + 1;
      documents.resize(6500, large);
      documents.resize(7000, large + 1);
      for (size_t row = 6500; row < 7000; ++row) documents[row] += static_cast<uint32_t>((row - 6500) / 2);
      const std::vector<size_t> counts = {700, 0, 6300};
      while (documents[700] == documents[699]) documents[700] = documents[699] + 1;
      for (size_t row = 701; row < 7000; ++row) documents[row] = std::max(documents[row], documents[row - 1]);
      std::vector<float> rows = make_rows(kind, 7000, dimensions);
      const std::vector<float> queries(rows.begin() + static_cast<std::ptrdiff_t>(4000 * dimensions),
                                       rows.begin() + static_cast<std::ptrdiff_t>(4003 * dimensions));
      // The large document's rows are the best by far: all of them stand in each other's way.
      if (kind == "random")
        for (size_t row = 1500; row < 6500; ++row)
          for (size_t i = 0; i < dimensions; ++i) rows[row * dimensions + i] += 3 * queries[i];
      const Corpus corpus(rows, dimensions, documents, counts);
      for (const ner_instruction_set set : available_sets())
        for (const size_t limit : {size_t{1}, size_t{10}, size_t{900}, size_t{7000}})
          for (const unsigned threads : {1u, 3u}) {
            check_search(set, corpus, nullptr, queries, limit, threads, kind);
            ner_selection from_within{};
            from_within.first_row = 3333;
            check_search(set, corpus, &from_within, queries, limit, threads, kind);
          }
    }
}

TEST("many blocks and threads: a document's rows come to several") {
  const std::vector<uint32_t> documents = make_documents(40000, [] { return random_size(1, 40); });
  const Corpus corpus(random_floats(40000 * 64), 64, documents, cut(documents, 40000, 3));
  const std::vector<float> queries = random_floats(5 * 64);
  const std::vector<uint8_t> half = make_bitmap(documents.back() + 1, 2), few = make_bitmap(documents.back() + 1, 40);
  const ner_selection of_half = {half.data(), half.size(), 0}, of_few = {few.data(), few.size(), 100};
  for (const ner_instruction_set set : available_sets())
    for (const unsigned threads : {1u, 2u, 3u})
      for (const ner_selection *selection : {static_cast<const ner_selection *>(nullptr), &of_half, &of_few})
        check_search(set, corpus, selection, queries, 20, threads, "many blocks");
}

TEST("a damaged row is found when it is read, and only then") {
  const size_t dimensions = 64, row_count = 4000;
  const std::vector<uint32_t> documents = make_documents(row_count, [] { return random_size(1, 3); });
  Corpus corpus(random_floats(row_count * dimensions), dimensions, documents, cut(documents, row_count, 2));
  const std::vector<float> query(corpus.vectors.begin() + 1234 * dimensions, corpus.vectors.begin() + 1235 * dimensions);
  const ner_segments segments = corpus.as(NER_INT8);
  const auto search = [&](const ner_selection *selection, size_t limit, uint32_t *damaged) {
    std::vector<float> scores(limit);
    std::vector<uint32_t> rows(limit);
    size_t count;
    return ner_search_top_k(NER_SCALAR, &segments, selection, query.data(), 1, limit, 2, scores.data(), rows.data(),
                            &count, damaged);
  };
  uint32_t damaged = 77;
  CHECK(search(nullptr, 3, &damaged) == NER_OK && damaged == 77, "all is well");
  reinterpret_cast<uint8_t &>(corpus.vectors[1234 * dimensions + 5]) ^= 1;
  CHECK(search(nullptr, 3, &damaged) == NER_DAMAGED && damaged == 1234, std::to_string(damaged));
  CHECK(std::string(ner_last_error()).find("1234") != std::string::npos, ner_last_error());
  CHECK(search(nullptr, 3, nullptr) == NER_DAMAGED, "without a place for the number");
  // Every row is read for a limit of half of them.
  damaged = 77;
  CHECK(search(nullptr, row_count, &damaged) == NER_DAMAGED && damaged == 1234, "a search through all rows");
  // Rows that cannot be found are not read.
  std::vector<uint8_t> others(documents.back() / 8 + 1, 0xFF);
  const uint32_t document = documents[1234];
  others[document / 8] = static_cast<uint8_t>(others[document / 8] & ~(1u << document % 8));
  const ner_selection without = {others.data(), others.size(), 0};
  CHECK(search(&without, 3, &damaged) == NER_OK, ner_last_error());
  const ner_selection behind = {nullptr, 0, 1235};
  CHECK(search(&behind, 3, &damaged) == NER_OK && search(&behind, row_count, &damaged) == NER_OK, ner_last_error());
  // Gathered rows are checked too.
  std::vector<uint8_t> one(documents.back() / 8 + 1, 0);
  one[document / 8] = static_cast<uint8_t>(1u << document % 8);
  const ner_selection alone = {one.data(), one.size(), 0};
  damaged = 77;
  CHECK(search(&alone, 1, &damaged) == NER_DAMAGED && damaged == 1234, "a gathered candidate");
  damaged = 77;
  CHECK(search(&alone, row_count, &damaged) == NER_DAMAGED && damaged == 1234, "a gathered row");
  // Rankings and single scores read rows too.
  std::vector<uint64_t> keys(row_count);
  size_t count;
  const auto rank = [&](float minimum) {
    damaged = 77;
    return ner_search_ranking(NER_SCALAR, &segments, nullptr, query.data(), minimum, 2, keys.data(), row_count, &count,
                              &damaged);
  };
  CHECK(rank(-infinity) == NER_DAMAGED && damaged == 1234, "a whole ranking");
  CHECK(rank(0.0f) == NER_DAMAGED && damaged == 1234, "a ranking above a score");
  CHECK(rank(1000.0f) == NER_OK && count == 0, "no row can reach the score: none is read");
  const std::vector<uint32_t> chosen = {1233, 1234, 1235};
  std::vector<float> chosen_scores(3);
  damaged = 77;
  CHECK(ner_search_scores(NER_SCALAR, &segments, query.data(), 1, chosen.data(), 3, chosen_scores.data(), &damaged) ==
                NER_DAMAGED &&
            damaged == 1234,
        "scores of rows");
  CHECK(ner_search_scores(NER_SCALAR, &segments, query.data(), 1, chosen.data(), 1, chosen_scores.data(), &damaged) ==
            NER_OK,
        "scores of other rows");
  // Without checksums nothing is checked.
  for (ner_segment &segment : corpus.segments) segment.checksums = nullptr;
  CHECK(search(nullptr, 3, &damaged) == NER_OK, ner_last_error());
}

TEST("scores of rows are those of float64, and the same bits in any company") {
  for (int round = 0; round < 60; ++round) {
    const size_t dimensions = round < 70 ? static_cast<size_t>(round) * 3 + 1 : random_size(1, 1000);
    const size_t row_count = random_size(1, 60), query_count = random_size(1, 20);
    const Corpus corpus(random_floats(row_count * dimensions), dimensions, {}, cut({}, row_count, 3));
    const std::vector<float> queries = random_floats(query_count * dimensions);
    std::vector<float> widened(corpus.vectors.size());
    ner_bfloat16_widen(corpus.halves.data(), widened.size(), widened.data());
    for (const ner_instruction_set set : available_sets())
      for (const ner_precision precision : precisions) {
        const std::vector<float> &kept = precision == NER_BFLOAT16 ? widened : corpus.vectors;
        const std::vector<std::vector<float>> scores = scores_of_rows(set, corpus, precision, queries);
        const std::string about = std::string(name_of(precision)) + ", " + ner_instruction_set_name(set) + ", " +
                                  std::to_string(dimensions) + " dimensions";
        for (size_t query = 0; query < query_count; ++query) {
          const std::vector<float> alone(queries.begin() + static_cast<std::ptrdiff_t>(query * dimensions),
                                         queries.begin() + static_cast<std::ptrdiff_t>((query + 1) * dimensions));
          CHECK(scores_of_rows(set, corpus, precision, alone)[0] == scores[query], about);
          for (size_t row = 0; row < row_count; ++row) {
            double expected = 0, magnitude = 0;
            for (size_t i = 0; i < dimensions; ++i) {
              const double product = static_cast<double>(kept[row * dimensions + i]) * static_cast<double>(alone[i]);
              expected += product;
              magnitude += std::fabs(product);
            }
            CHECK(std::fabs(static_cast<double>(scores[query][row]) - expected) <= magnitude * 1e-6, about);
          }
        }
        const uint32_t beyond = static_cast<uint32_t>(row_count);
        float score;
        const ner_segments segments = corpus.as(precision);
        CHECK(ner_search_scores(set, &segments, queries.data(), 1, &beyond, 1, &score, nullptr) == NER_INVALID_ARGUMENT,
              "a row that is not there");
      }
  }
}

TEST("bfloat16 rounds to the nearest, ties to even, and keeps what is no number") {
  const auto round = [](float value) {
    uint16_t half;
    float widened;
    ner_bfloat16_round(&value, 1, &half);
    ner_bfloat16_widen(&half, 1, &widened);
    return widened;
  };
  const float ulp = std::ldexp(1.0f, -7);
  CHECK(round(1 + ulp / 2) == 1 && round(1 + 3 * ulp / 2) == 1 + 2 * ulp, "ties to even");
  CHECK(round(1 + ulp / 2 + 1e-6f) == 1 + ulp && round(-(1 + ulp / 2 - 1e-6f)) == -1, "to the nearest");
  CHECK(round(infinity) == infinity && round(-infinity) == -infinity && round(3.4e38f) == infinity, "infinity");
  CHECK(round(0.0f) == 0 && std::signbit(round(-0.0f)), "zeros");
  uint32_t bits = 0x7F800001u;
  float quiet;
  std::memcpy(&quiet, &bits, sizeof bits);
  CHECK(std::isnan(round(not_a_number)) && std::isnan(round(-not_a_number)) && std::isnan(round(quiet)), "NaN");
  for (int i = 0; i < 2000; ++i) {
    const float value = random_floats(1, 100)[0];
    const float rounded = round(value);
    CHECK(std::fabs(rounded - value) <= std::fabs(value) / 256, std::to_string(value));
    CHECK(round(rounded) == rounded, std::to_string(rounded));
  }
}

TEST("what cannot be asked for is refused; nothing to rank is fine") {
  const Corpus corpus({1, 2, 3, 4}, 2, {5, 6}, {1, 1});
  const float query[2] = {1, 0};
  uint64_t key;
  size_t count = 9;
  ner_segments segments = corpus.as(NER_FLOAT32);
  CHECK(ner_search_ranking(NER_SCALAR, &segments, nullptr, query, not_a_number, 1, &key, 1, &count, nullptr) ==
            NER_INVALID_ARGUMENT,
        "a minimum that is no number");
  std::vector<ner_segment> mixed = corpus.segments;
  mixed[1].documents = nullptr;
  const ner_segments half_with_documents = {NER_FLOAT32, 2, mixed.data(), 2};
  CHECK(ner_search_ranking(NER_SCALAR, &half_with_documents, nullptr, query, 0, 1, &key, 1, &count, nullptr) ==
            NER_INVALID_ARGUMENT,
        "documents in one segment alone");
  segments.count = 0;
  CHECK(ner_search_ranking(NER_SCALAR, &segments, nullptr, query, -infinity, 3, nullptr, 0, &count, nullptr) == NER_OK &&
            count == 0,
        "no rows");
}

int main() { return run_all(); }
