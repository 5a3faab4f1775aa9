#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "harness.h"
#include "kernels.h"
#include "ner_retriever/crc32c.h"
#include "ner_retriever/int8_scan.h"
#include "ner_retriever/search.h"

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float nan = std::numeric_limits<float>::quiet_NaN();

constexpr ner_precision precisions[] = {NER_FLOAT32, NER_INT8};

const char *name_of(ner_precision precision) {
  return precision == NER_FLOAT32 ? "float32" : precision == NER_BFLOAT16 ? "bfloat16" : "int8";
}

// The rows of documents in segments, in the columns of every precision.
struct Corpus {
  size_t dimensions;
  std::vector<float> vectors;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  std::vector<uint32_t> checksums, documents;
  std::vector<ner_segment> segments;

  // documents: rising; counts: rows of each segment, which end where a document ends.
  Corpus(std::vector<float> rows, size_t row_dimensions, std::vector<uint32_t> of_rows, const std::vector<size_t> &counts)
      : dimensions(row_dimensions), vectors(std::move(rows)), documents(std::move(of_rows)) {
    const size_t count = vectors.size() / dimensions;
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
      segments.push_back({vectors.data() + first * dimensions, nullptr, codes.data() + first * dimensions,
                          scales.data() + first, errors.data() + first, longest, checksums.data() + first,
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

// All scores of one query, each row by itself.
std::vector<float> scores_of_rows(ner_instruction_set set, const Corpus &corpus, const float *query) {
  std::vector<float> scores;
  for (size_t row = 0; row < corpus.row_count(); ++row) {
    float score;
    ner_retriever::kernels_for(set)->score_block(corpus.vectors.data() + row * corpus.dimensions, 1, corpus.dimensions,
                                                 query, 1, &score, 1);
    scores.push_back(score);
  }
  return scores;
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

void check_search(ner_instruction_set set, const Corpus &corpus, const ner_selection *selection,
                  const std::vector<float> &queries, size_t limit, unsigned threads, const std::string &kind) {
  const size_t query_count = queries.size() / corpus.dimensions;
  std::vector<std::vector<Hit>> expected;
  for (size_t query = 0; query < query_count; ++query)
    expected.push_back(whole_ranking(corpus, selection,
                                     scores_of_rows(set, corpus, queries.data() + query * corpus.dimensions)));
  for (const ner_precision precision : precisions) {
    const std::string about = kind + ", " + name_of(precision) + ", " + ner_instruction_set_name(set) + ", " +
                              std::to_string(corpus.row_count()) + " x " + std::to_string(corpus.dimensions) + ", " +
                              std::to_string(query_count) + " queries, limit " + std::to_string(limit) + ", " +
                              std::to_string(threads) + " threads";
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
      const std::vector<Hit> &mine = expected[query];
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
      const float odd[] = {nan, infinity, -infinity, 3e38f, -0.0f};
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
    const std::vector<uint8_t> bitmap = make_bitmap(random_size(0, 1) == 0 ? bits : random_size(0, bits), one_in[random_size(0, 4)]);
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
  // Without checksums nothing is checked.
  for (ner_segment &segment : corpus.segments) segment.checksums = nullptr;
  CHECK(search(nullptr, 3, &damaged) == NER_OK, ner_last_error());
}

int main() { return run_all(); }
