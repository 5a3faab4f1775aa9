#include "ner_retriever/int8_scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "harness.h"
#include "int8_bound.h"
#include "int8_kernels.h"
#include "kernels.h"
#include "ner_retriever/search.h"
#include "search_rows.h"

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float nan = std::numeric_limits<float>::quiet_NaN();

// Rows in segments, each quantised by itself.
struct Quantised {
  std::vector<float> originals;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  std::vector<ner_segment> segments;
  size_t dimensions;

  Quantised(std::vector<float> rows, size_t row_dimensions, const std::vector<size_t> &counts)
      : originals(std::move(rows)), codes(originals.size(), 99), dimensions(row_dimensions) {
    const size_t count = originals.size() / dimensions;
    scales.assign(count, nan);
    errors.assign(count, nan);
    size_t first = 0;
    for (const size_t in_segment : counts) {
      const size_t at = first * dimensions;
      float longest = nan;
      CHECK(ner_int8_quantise(originals.data() + at, in_segment, dimensions, codes.data() + at, scales.data() + first,
                              errors.data() + first, &longest) == NER_OK,
            ner_last_error());
      segments.push_back({originals.data() + at, nullptr, codes.data() + at, scales.data() + first,
                          errors.data() + first, longest, nullptr, nullptr, in_segment});
      first += in_segment;
    }
    CHECK(first == count, "segments cover the rows");
  }
  Quantised(const Quantised &) = delete;
};

// The int8 search gives what the float32 search gives, to the bit. Returns how many rows were scored again.
std::vector<size_t> check_same(ner_instruction_set set, const Quantised &rows, const std::vector<float> &queries,
                               size_t limit, unsigned threads, const std::string &kind) {
  const size_t count = queries.size() / rows.dimensions;
  const size_t row_count = rows.scales.size();
  ner_segment whole{};
  whole.vectors = rows.originals.data();
  whole.count = row_count;
  const ner_segments all = {NER_FLOAT32, rows.dimensions, &whole, 1};
  const ner_segments quantised = {NER_INT8, rows.dimensions, rows.segments.data(), rows.segments.size()};
  std::vector<float> expected_scores(count * limit), scores(count * limit, 1e30f);
  std::vector<uint32_t> expected_rows(count * limit), found(count * limit, 0xABABABABu);
  std::vector<size_t> rescored(count, 77), counts(count);
  CHECK(ner_search_top_k(set, &all, nullptr, queries.data(), count, limit, 1, expected_scores.data(),
                         expected_rows.data(), counts.data(), nullptr) == NER_OK,
        ner_last_error());
  CHECK(ner_search_top_k(set, &quantised, nullptr, queries.data(), count, limit, threads, scores.data(), found.data(),
                         counts.data(), nullptr) == NER_OK,
        ner_last_error());
  using namespace ner_retriever;
  const RowPlaces places(quantised);
  const Selection everything(nullptr);
  const SearchedRows searched{*kernels_for(set), int8_kernels_for(set), quantised, places, everything, threads};
  for (size_t first = 0; first < count; first += query_group)
    search_int8(searched, queries.data() + first * rows.dimensions, std::min(query_group, count - first), limit,
                rescored.data() + first);
  const std::string about = kind + ", " + ner_instruction_set_name(set) + ", " + std::to_string(row_count) + " x " +
                            std::to_string(rows.dimensions) + ", " + std::to_string(count) + " queries, limit " +
                            std::to_string(limit) + ", " + std::to_string(threads) + " threads";
  CHECK(found == expected_rows, about);
  CHECK(std::memcmp(scores.data(), expected_scores.data(), scores.size() * sizeof(float)) == 0, about);
  for (const size_t there : counts) CHECK(there == limit, about);
  for (const size_t again : rescored) CHECK(again >= limit && again <= row_count, about);
  return rescored;
}

void scale_to_length_one(std::vector<float> &rows, size_t dimensions) {
  for (size_t row = 0; row < rows.size(); row += dimensions) {
    double squares = 0;
    for (size_t i = row; i < row + dimensions; ++i) squares += static_cast<double>(rows[i]) * static_cast<double>(rows[i]);
    for (size_t i = row; i < row + dimensions; ++i)
      rows[i] = squares > 0 ? static_cast<float>(static_cast<double>(rows[i]) / std::sqrt(squares)) : 0.0f;
  }
}

std::vector<float> clustered(size_t count, size_t dimensions, size_t clusters, float spread) {
  const std::vector<float> centres = random_floats(clusters * dimensions);
  std::vector<float> rows = random_floats(count * dimensions, spread);
  for (size_t row = 0; row < count; ++row) {
    const float *centre = centres.data() + random_size(0, clusters - 1) * dimensions;
    for (size_t i = 0; i < dimensions; ++i) rows[row * dimensions + i] += centre[i];
  }
  scale_to_length_one(rows, dimensions);
  return rows;
}

// Each way of making rows that a scan through bytes may stumble over.
const std::vector<std::string> kinds = {"random",  "clusters", "near ties", "duplicates", "zeros",      "denormal",
                                        "lengths", "one huge", "NaN",       "overflow",   "same codes", "integers"};

std::vector<float> make_rows(const std::string &kind, size_t count, size_t dimensions) {
  if (kind == "clusters") return clustered(count, dimensions, 5, 0.2f);
  if (kind == "near ties") return clustered(count, dimensions, 2, 1e-5f);
  if (kind == "integers") return random_integers(count * dimensions, 2);
  if (kind == "duplicates") {
    const std::vector<float> few = random_floats(7 * dimensions);
    std::vector<float> rows;
    for (size_t row = 0; row < count; ++row) {
      const auto from = few.begin() + static_cast<std::ptrdiff_t>(random_size(0, 6) * dimensions);
      rows.insert(rows.end(), from, from + static_cast<std::ptrdiff_t>(dimensions));
    }
    return rows;
  }
  if (kind == "denormal") return random_floats(count * dimensions, 1e-39f);
  if (kind == "same codes") {
    // One component decides the scale, the others are lost in it: only the float32 scores tell rows apart.
    std::vector<float> rows = random_floats(count * dimensions, 1e-3f);
    for (size_t row = 0; row < count; ++row) rows[row * dimensions] = 1.0f;
    return rows;
  }
  std::vector<float> rows = random_floats(count * dimensions);
  for (size_t row = 0; row < count; ++row) {
    float *mine = rows.data() + row * dimensions;
    const bool chosen = random_size(0, 4) == 0;
    if (kind == "zeros" && chosen) std::fill_n(mine, dimensions, 0.0f);
    if (kind == "lengths") {
      const float factor = std::ldexp(1.0f, static_cast<int>(random_size(0, 100)) - 50);
      for (size_t i = 0; i < dimensions; ++i) mine[i] *= factor;
    }
    if (kind == "one huge" && chosen) mine[random_size(0, dimensions - 1)] = 1e6f;
    if (kind == "NaN" && chosen) {
      const float odd[] = {nan, infinity, -infinity, -0.0f};
      mine[random_size(0, dimensions - 1)] = odd[random_size(0, 3)];
    }
    if (kind == "overflow" && chosen) mine[random_size(0, dimensions - 1)] = random_size(0, 1) == 0 ? 3e38f : -3e38f;
  }
  return rows;
}

std::vector<size_t> cut(size_t count, size_t pieces) {
  std::vector<size_t> counts;
  for (; pieces > 1; --pieces) {
    counts.push_back(random_size(0, count));
    count -= counts.back();
  }
  counts.push_back(count);
  return counts;
}

// Every float32 score of every set lies within the bounds, and every whole-number dot is exact. Returns the pairs.
size_t check_bounds(const Quantised &rows, const std::vector<float> &queries, const std::string &kind) {
  const size_t dimensions = rows.dimensions;
  const ner_segment &segment = rows.segments[0];
  const size_t count = segment.count;
  const size_t stride = (dimensions + 63) / 64 * 64;
  const size_t query_count = queries.size() / dimensions;
  std::vector<int8_t> codes(query_count * stride);
  std::vector<ner_retriever::Int8Bound> bounds;
  for (size_t query = 0; query < query_count; ++query) {
    const float *values = queries.data() + query * dimensions;
    ner_retriever::QuantisedQuery quantised{};
    float longest;
    CHECK(ner_int8_quantise(values, 1, dimensions, codes.data() + query * stride, &quantised.scale, &quantised.error,
                            &longest) == NER_OK,
          ner_last_error());
    quantised.length = quantised.error == infinity ? infinity : ner_retriever::length_of(values, dimensions);
    bounds.push_back(ner_retriever::int8_bound(quantised, segment.longest, dimensions));
  }
  for (const ner_instruction_set set : available_sets()) {
    std::vector<float> scores(query_count * count), uppers(count);
    std::vector<int32_t> dots(query_count * count);
    ner_retriever::kernels_for(set)->score_block(segment.vectors, count, dimensions, queries.data(), query_count,
                                                 scores.data(), count);
    const ner_retriever::Int8Kernels &kernels = ner_retriever::int8_kernels_for(set);
    kernels.dots(segment.codes, count, dimensions, codes.data(), query_count, stride, dots.data(), count);
    for (size_t query = 0; query < query_count; ++query) {
      const ner_retriever::Int8Bound &bound = bounds[query];
      kernels.upper_bounds(dots.data() + query * count, segment.scales, segment.errors, count, bound, uppers.data());
      for (size_t row = 0; row < count; ++row) {
        const float score = scores[query * count + row];
        const float lower = uppers[row] - 2 * (segment.errors[row] * bound.error_factor + bound.rest);
        // A comparison with NaN is false: an unknown bound excludes nothing, and an unknown score is always looked at.
        const bool known = std::fabs(score) < infinity;
        CHECK(!(score > uppers[row]) && !(known && score < lower),
              kind + ": " + std::to_string(lower) + " <= " + std::to_string(score) + " <= " +
                  std::to_string(uppers[row]) + " on " + ner_instruction_set_name(set));
        if (!known) CHECK(!(uppers[row] < infinity), kind + ": a score that overflows has no upper bound");

        int64_t dot = 0;
        for (size_t i = 0; i < dimensions; ++i)
          dot += segment.codes[row * dimensions + i] * codes[query * stride + i];
        CHECK(dots[query * count + row] == dot, ner_instruction_set_name(set));
      }
    }
  }
  return query_count * count;
}

}  // namespace

TEST("rows and scores are those of the float32 scan, whatever the rows, the queries, the sizes and the threads") {
  for (int round = 0; round < 120; ++round) {
    const std::string &kind = kinds[static_cast<size_t>(round) % kinds.size()];
    const size_t dimensions = random_size(1, round % 3 == 0 ? 1000 : 140);
    const size_t row_count = random_size(1, round % 4 == 0 ? 9000 : 700) * 70 / (70 + dimensions) + 1;
    const size_t query_count = random_size(1, round % 10 == 0 ? 70 : 9);
    const size_t limit = random_size(1, random_size(0, 3) == 0 ? row_count : std::max<size_t>(1, row_count / 10));
    const Quantised rows(make_rows(kind, row_count, dimensions), dimensions, cut(row_count, random_size(1, 4)));
    // Queries of the same kind, of another, and a row itself.
    std::vector<float> queries = make_rows(kind, query_count, dimensions);
    const std::vector<float> others = make_rows(kinds[random_size(0, kinds.size() - 1)], query_count, dimensions);
    queries.insert(queries.end(), others.begin(), others.end());
    queries.insert(queries.end(), rows.originals.begin(), rows.originals.begin() + static_cast<std::ptrdiff_t>(dimensions));
    for (const ner_instruction_set set : available_sets())
      check_same(set, rows, queries, limit, static_cast<unsigned>(random_size(0, 4)), kind);
  }
}

TEST("every number of dimensions around the vectors' widths, and every limit") {
  for (size_t dimensions = 1; dimensions <= 200; dimensions += dimensions < 70 ? 1 : 13) {
    const Quantised rows(clustered(60, dimensions, 3, 0.1f), dimensions, {17, 0, 43});
    const std::vector<float> queries = clustered(dimensions % 7 + 1, dimensions, 3, 0.1f);
    for (const ner_instruction_set set : available_sets())
      for (const size_t limit : std::vector<size_t>{1, 2, 9, 28, 29, 30, 31, 59, 60})
        check_same(set, rows, queries, limit, 2, "small");
  }
}

TEST("many blocks, queries and threads") {
  const Quantised rows(clustered(30000, 64, 20, 0.5f), 64, {11, 20000, 9989});
  const std::vector<float> queries = clustered(130, 64, 20, 0.5f);
  for (const ner_instruction_set set : available_sets())
    for (const unsigned threads : {1u, 2u, 5u}) {
      const std::vector<size_t> rescored = check_same(set, rows, queries, 100, threads, "clusters");
      size_t all = 0;
      for (const size_t again : rescored) all += again;
      // The bound is worth having: a small part of the rows is read.
      CHECK(all < rescored.size() * 30000 / 4, std::to_string(all) + " originals read");
    }
}

TEST("a query whose scores are too close for bytes is answered from the originals, the others beside it as ever") {
  std::vector<float> rows = clustered(8000, 64, 8000, 0.1f);
  const std::vector<float> close = clustered(8000, 64, 1, 1e-5f);
  std::vector<float> queries(rows.begin(), rows.begin() + 3 * 64);
  std::copy_n(close.begin(), 64, queries.begin() + 64);
  rows.insert(rows.end(), close.begin(), close.end());
  const Quantised quantised(rows, 64, {9000, 7000});
  for (const ner_instruction_set set : available_sets()) {
    const std::vector<size_t> rescored = check_same(set, quantised, queries, 3, 1, "close together");
    CHECK(rescored[1] == 16000 && rescored[0] < 1000 && rescored[2] < 1000,
          std::to_string(rescored[0]) + ", " + std::to_string(rescored[1]) + ", " + std::to_string(rescored[2]));
    // A thread that meets the close rows first may give up on any query: the answer is the same.
    check_same(set, quantised, queries, 3, 4, "close together");
  }
}

TEST("no score is ever beyond the bounds") {
  size_t pairs = 0;
  for (int round = 0; round < 240; ++round) {
    const std::string &kind = kinds[static_cast<size_t>(round) % kinds.size()];
    const std::string &other = kinds[random_size(0, kinds.size() - 1)];
    const size_t dimensions = random_size(1, 300);
    const Quantised rows(make_rows(kind, 45, dimensions), dimensions, {45});
    // The worst query for each row is along what its codes have lost.
    std::vector<float> queries = make_rows(other, random_size(1, 9), dimensions);
    for (size_t row = 0; row < 10; ++row)
      for (size_t i = 0; i < dimensions; ++i)
        queries.push_back(rows.originals[row * dimensions + i] -
                          rows.scales[row] * static_cast<float>(rows.codes[row * dimensions + i]));
    pairs += check_bounds(rows, queries, kind + " and " + other);
  }
  std::printf("    %zu pairs on each set\n", pairs);
}

TEST("what float32 sums and products round away is within the bounds") {
  // The codes are the rows, nothing is lost: all that is left is that the sums go beyond 2^24.
  std::vector<float> whole(20 * 20000);
  for (float &value : whole) value = static_cast<float>(random_size(0, 127));
  for (size_t row = 0; row < 20; ++row) whole[row * 20000] = 127;
  const Quantised rows(whole, 20000, {20});
  for (const float error : rows.errors) CHECK(error == 0, std::to_string(error));
  check_bounds(rows, {whole.begin(), whole.begin() + 3 * 20000}, "whole numbers");
  // Each product is six tenths of the smallest number, which becomes the smallest number.
  const Quantised smallest(std::vector<float>(3 * 1000, std::numeric_limits<float>::denorm_min()), 1000, {3});
  check_bounds(smallest, std::vector<float>(1000, 0.6f), "the smallest number");
}

TEST("packed rows: more dimensions than are packed at once") {
  for (const size_t dimensions : {size_t{511}, size_t{512}, size_t{513}, size_t{1100}})
    for (const size_t count : {size_t{1}, size_t{15}, size_t{33}}) {
      const Quantised rows(random_floats(count * dimensions), dimensions, {count});
      check_bounds(rows, random_floats(19 * dimensions), "packed");
    }
}

TEST("codes, scales and errors are what the header says") {
  const float row[3] = {1.0f, -0.5f, 0.001f};
  int8_t codes[3];
  float scale, error, longest;
  CHECK(ner_int8_quantise(row, 1, 3, codes, &scale, &error, &longest) == NER_OK, ner_last_error());
  CHECK(codes[0] == 127 && codes[1] == -64 && codes[2] == 0 && scale == 1.0f / 127, "codes");
  CHECK(error >= 0.00406f && error < 0.00407f, std::to_string(error));
  CHECK(longest >= 1.11979f && longest < 1.11981f, std::to_string(longest));
  for (int round = 0; round < 400; ++round) {
    const size_t dimensions = random_size(1, 400);
    const Quantised one(make_rows(kinds[static_cast<size_t>(round) % kinds.size()], 1, dimensions), dimensions, {1});
    double squares = 0, length = 0;
    for (size_t i = 0; i < dimensions; ++i) {
      const double rebuilt = static_cast<double>(one.scales[0]) * one.codes[i];
      squares += (static_cast<double>(one.originals[i]) - rebuilt) * (static_cast<double>(one.originals[i]) - rebuilt);
      length += rebuilt * rebuilt;
    }
    CHECK(!(std::sqrt(squares) > static_cast<double>(one.errors[0])), std::to_string(one.errors[0]));
    CHECK(std::sqrt(length) <= static_cast<double>(one.segments[0].longest), std::to_string(one.segments[0].longest));
    if (one.errors[0] < infinity)
      CHECK(static_cast<double>(one.errors[0]) <= std::sqrt(squares) * 1.000001 + 1e-44, "the error is not far above");
  }
}

TEST("the largest number of dimensions cannot overflow the sums") {
  const size_t dimensions = NER_INT8_MOST_DIMENSIONS;
  std::vector<float> values(4 * dimensions, 1.0f);
  std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(dimensions), dimensions, -1.0f);
  const Quantised rows(values, dimensions, {4});
  for (const ner_instruction_set set : available_sets())
    for (const float sign : {1.0f, -1.0f}) check_same(set, rows, std::vector<float>(dimensions, sign), 1, 1, "ones");
}

TEST("sizes that cannot be are refused; nothing to find is fine") {
  const float row[2] = {1, 2};
  const Quantised one({1, 2}, 2, {1});
  float score;
  uint32_t found;
  size_t count;
  int8_t codes[2];
  float scale, error, longest;
  const auto search = [&](const ner_segment *segments, size_t segment_count, size_t dimensions, size_t queries) {
    const ner_segments all = {NER_INT8, dimensions, segments, segment_count};
    return ner_search_top_k(NER_SCALAR, &all, nullptr, row, queries, 1, 1, &score, &found, &count, nullptr);
  };
  CHECK(search(one.segments.data(), 1, 0, 1) == NER_INVALID_ARGUMENT, "0 dimensions");
  CHECK(search(one.segments.data(), 1, NER_INT8_MOST_DIMENSIONS + 1, 1) == NER_INVALID_ARGUMENT, "too many dimensions");
  CHECK(search(one.segments.data(), 1, 2, 0) == NER_OK, "no queries");
  CHECK(search(nullptr, 0, 2, 1) == NER_OK && count == 0, "no rows");
  ner_segment no_codes = one.segments[0];
  no_codes.codes = nullptr;
  CHECK(search(&no_codes, 1, 2, 1) == NER_INVALID_ARGUMENT, "a column that is not there");
  CHECK(ner_int8_quantise(row, 1, 0, codes, &scale, &error, &longest) == NER_INVALID_ARGUMENT, "0 dimensions");
  CHECK(ner_int8_quantise(row, 1, NER_INT8_MOST_DIMENSIONS + 1, codes, &scale, &error, &longest) ==
            NER_INVALID_ARGUMENT,
        "too many dimensions");
  CHECK(ner_int8_quantise(nullptr, 0, 2, nullptr, nullptr, nullptr, &longest) == NER_OK && longest == 0, "no rows");
}

int main() { return run_all(); }
