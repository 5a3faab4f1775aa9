#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "coarse_bound.h"
#include "kernel_test.h"
#include "int8_bound.h"
#include "ner_retriever/bfloat16.h"
#include "ner_retriever/int8_scan.h"
#include "quantised_queries.h"
#include "rows_search.h"
#include "search_coarse.h"
#include "search_plain.h"

// The kernels of the search against the slow ones beside them.

using namespace ner_retriever::cuda;

namespace {

// Rows in one chunk, as float32, bfloat16 or codes.
struct Made {
  std::vector<float> vectors;
  std::vector<uint16_t> halves;
  std::vector<int8_t> codes;
  std::vector<float> scales, errors;
  ner_segment segment = {};
  Rows rows;

  Made(ner_precision precision, std::vector<float> values, size_t dimensions)
      : vectors(std::move(values)),
        halves(vectors.size()),
        codes(vectors.size()),
        scales(vectors.size() / dimensions),
        errors(scales.size()),
        rows(device(), precision, dimensions) {
    ner_bfloat16_round(vectors.data(), vectors.size(), halves.data());
    ner_int8_quantise(vectors.data(), scales.size(), dimensions, codes.data(), scales.data(), errors.data(),
                      &segment.longest);
    segment.vectors = vectors.data();
    segment.halves = halves.data();
    segment.codes = codes.data();
    segment.scales = scales.data();
    segment.errors = errors.data();
    segment.count = scales.size();
    rows.append(segment);
  }
};

const char *name_of(ner_precision precision) {
  return precision == NER_FLOAT32 ? "float32" : precision == NER_BFLOAT16 ? "bfloat16" : "int8";
}

// [queries, rows]
std::vector<float> plain_scores(ner_precision precision, const Rows &rows, const std::vector<float> &queries) {
  const size_t query_count = queries.size() / rows.dimensions();
  const DeviceBuffer<float> asked = on_device(queries), scores(device().memory(), query_count * rows.count());
  score_plainly(precision, rows.chunks()[0], rows.dimensions(), asked.get(), query_count, scores.get(), device().stream());
  return on_host(scores);
}

}  // namespace

TEST("what is found is the plain scores, sorted, in the same bits") {
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16})
    for (const size_t dimensions : {size_t{1}, size_t{37}, size_t{256}, size_t{500}, size_t{1100}})
      for (const size_t query_count : {size_t{1}, size_t{3}, size_t{20}})
        device().run([&] {
          const size_t row_count = random_size(1, 300), limit = random_size(1, row_count);
          const Made made(precision, random_floats(row_count * dimensions), dimensions);
          const std::vector<float> queries = random_floats(query_count * dimensions);
          const std::vector<float> plain = plain_scores(precision, made.rows, queries);
          std::vector<float> scores(query_count * limit, 7);
          std::vector<uint32_t> rows(query_count * limit, 7);
          std::vector<size_t> counts(query_count);
          search_rows(made.rows, SIZE_MAX, nullptr, queries.data(), query_count, limit,
                      {limit, scores.data(), rows.data(), counts.data()});
          const std::string about = std::string(name_of(precision)) + ", " + std::to_string(row_count) + " x " +
                                    std::to_string(dimensions) + ", " + std::to_string(query_count) + " queries";
          for (size_t query = 0; query < query_count; ++query) {
            std::vector<Key> keys;
            for (size_t row = 0; row < row_count; ++row)
              keys.push_back(search_key(ordered_bits(plain[query * row_count + row]), static_cast<uint32_t>(row)));
            std::sort(keys.begin(), keys.end(), std::greater<>());
            CHECK(counts[query] == limit, about);
            for (size_t place = 0; place < limit; ++place)
              CHECK(search_key(ordered_bits(scores[query * limit + place]), rows[query * limit + place]) == keys[place], about);
          }
        });
}

TEST("the coarse pass's bounds hold for every row and query, and are not wide") {
  for (const ner_precision precision : {NER_FLOAT32, NER_BFLOAT16, NER_INT8})
    for (const size_t dimensions : {size_t{1}, size_t{33}, size_t{500}, size_t{513}})
      for (const size_t query_count : {size_t{5}, size_t{40}, size_t{130}})
        device().run([&] {
          const size_t row_count = 300;
          const Made made(precision, random_floats(row_count * dimensions), dimensions);
          const std::vector<float> queries = random_floats(query_count * dimensions);
          const size_t bytes = coarse_row_bytes(precision, dimensions);
          const unsigned tile =
              coarse_query_tile(precision, bytes, static_cast<unsigned>(query_count), device().properties());
          std::vector<unsigned char> coarse((query_count + tile) * bytes);
          std::vector<QueryBound> bounds(query_count + tile, QueryBound{});
          for (size_t query = 0; query < query_count; ++query) {
            const float *one = queries.data() + query * dimensions;
            unsigned char *to = coarse.data() + query * bytes;
            if (precision == NER_INT8) {
              const auto quantised = ner_retriever::quantise_queries(one, 1, dimensions);
              std::memcpy(to, quantised.codes.data(), dimensions);
              const auto bound = ner_retriever::int8_bound(quantised.queries[0], made.rows.longest(), dimensions);
              bounds[query] = {bound.error_factor, bound.query_scale, bound.rest, 0};
            } else {
              const CoarseBound bound = coarse_bound(one, dimensions, reinterpret_cast<unsigned short *>(to));
              CHECK(bound.coarse, "a query as any other");
              bounds[query] = {bound.of_length, bound.of_loss, bound.rest, 0};
            }
          }
          const DeviceBuffer<unsigned char> device_queries = on_device(coarse);
          const DeviceBuffer<QueryBound> device_bounds = on_device(bounds);
          const DeviceBuffer<Key> thresholds = on_device(std::vector<Key>(query_count));
          const DeviceBuffer<unsigned> counts = on_device(std::vector<unsigned>(query_count));
          const DeviceBuffer<Entry> entries(device().memory(), query_count * row_count);
          Found found = {};
          found.thresholds = thresholds.get();
          found.counts = counts.get();
          found.entries = entries.get();
          found.capacity = static_cast<unsigned>(row_count);
          // Every second row from the 4th on.
          scan_coarsely(precision, tile, made.rows.chunks()[0], {4, 148, 2}, dimensions, device_queries.get(),
                        device_bounds.get(), static_cast<unsigned>(query_count), found, device().properties(),
                        device().stream());
          const std::vector<unsigned> host_counts = on_host(counts);
          const std::vector<Entry> host_entries = on_host(entries);
          std::vector<float> kept = made.vectors;
          if (precision == NER_BFLOAT16) ner_bfloat16_widen(made.halves.data(), kept.size(), kept.data());
          const std::string about = std::string(name_of(precision)) + ", " + std::to_string(dimensions) +
                                    " dimensions, " + std::to_string(query_count) + " queries";
          for (size_t query = 0; query < query_count; ++query) {
            CHECK(host_counts[query] == 148, about + ", " + std::to_string(host_counts[query]) + " rows");
            std::vector<bool> seen(row_count);
            for (size_t i = 0; i < std::min<size_t>(host_counts[query], row_count); ++i) {
              const Entry &entry = host_entries[query * row_count + i];
              CHECK(entry.row >= 4 && entry.row < 300 && entry.row % 2 == 0 && !seen[entry.row], about);
              if (entry.row >= row_count) return;
              seen[entry.row] = true;
              double score = 0, row_squares = 0, query_squares = 0;
              for (size_t d = 0; d < dimensions; ++d) {
                const auto a = static_cast<double>(kept[entry.row * dimensions + d]),
                           b = static_cast<double>(queries[query * dimensions + d]);
                score += a * b;
                row_squares += a * a;
                query_squares += b * b;
              }
              const auto upper = static_cast<double>(score_of_bits(entry.upper)),
                         lower = static_cast<double>(score_of_bits(entry.lower));
              CHECK(lower <= score && score <= upper, about + ", " + std::to_string(lower) + " <= " + std::to_string(score) +
                                                          " <= " + std::to_string(upper));
              CHECK(upper - lower <= (precision == NER_INT8 ? 0.1 : 0.02) * std::sqrt(row_squares * query_squares) + 1e-30,
                    about + ", a bound of " + std::to_string(upper - lower));
            }
          }
        });
}

#if defined(NER_RETRIEVER_CUDA_EMULATION)

TEST("a search queues what it should, and waits only at the end") {
  device().run([&] {
    const size_t row_count = 9000, dimensions = 5;
    const Made made(NER_BFLOAT16, random_floats(row_count * dimensions), dimensions);
    const auto search = [&](size_t query_count) {
      const std::vector<float> queries = random_floats(query_count * dimensions);
      std::vector<float> scores(query_count * 10);
      std::vector<uint32_t> rows(query_count * 10);
      std::vector<size_t> counts(query_count);
      const auto *controls = cuda_emulation_controls();
      const size_t launches = controls->launches(), waits = controls->waits();
      search_rows(made.rows, SIZE_MAX, nullptr, queries.data(), query_count, 10,
                  {10, scores.data(), rows.data(), counts.data()});
      return std::make_pair(controls->launches() - launches, controls->waits() - waits);
    };
    // A sample and all rows, each with its selection.
    const auto one = search(1);
    CHECK(one.first == 4, std::to_string(one.first));
    // The same, and the candidates' scores with theirs.
    const auto many = search(20);
    CHECK(many.first == 6, std::to_string(many.first));
    // Waits for pinned buffers, a few for each thing that goes up or comes down; none for a pass.
    CHECK(one.second <= 12 && many.second <= 16, std::to_string(one.second) + ", " + std::to_string(many.second));
  });
}

#endif

int main() { return run_all_on_a_device(); }
