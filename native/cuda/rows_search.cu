#include "rows_search.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "coarse_bound.h"
#include "int8_bound.h"
#include "quantised_queries.h"
#include "query_planes.h"
#include "rank_documents.h"
#include "search_chosen.h"
#include "search_coarse.h"
#include "search_scan.h"
#include "search_select.h"
#include "searched_rows.h"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned least_capacity = 1u << 12;
constexpr unsigned most_capacity = 1u << 14;
constexpr size_t queries_at_once = 1024;  // 256 KiB each for what is found
// Rows that the bounds of bytes let pass for each that is looked for.
constexpr size_t candidates_of_a_found_one = 8;

unsigned capacity_for(size_t limit, const cudaDeviceProp &device) {
  unsigned capacity = least_capacity;
  while (capacity < most_capacity && capacity < 160 * limit && selection_shared_bytes(2 * capacity) < device.sharedMemPerBlockOptin)
    capacity *= 2;
  return capacity;
}

// What a search that fits the fused passes needs: room for what is found, and the samples.
struct Plan {
  unsigned limit;
  unsigned capacity;
  std::vector<size_t> strides;  // of the samples, and at last 1

  // expected: how many rows pass for each that is looked for, where a threshold comes from all rows. capacity is four
  // times what the strides let pass.
  Plan(size_t row_count, size_t most, unsigned room, size_t expected)
      : limit(static_cast<unsigned>(most)), capacity(room), strides{1} {
    const size_t factor = std::max<size_t>(2, room / (4 * expected * most));
    while (row_count / strides.front() >= room) strides.insert(strides.begin(), strides.front() * factor);
  }
};

// The state of some queries on the device.
class Passes {
 public:
  Passes(const SearchedRows &searched, const Plan &plan, size_t query_count, size_t handed_out)
      : plan_(plan),
        device_(searched.rows().device()),
        query_count_(query_count),
        out_(handed_out),
        thresholds_(device_.memory(), query_count),
        counts_(device_.memory(), query_count),
        entries_(device_.memory(), query_count * plan.capacity),
        rows_(device_.memory(), query_count * handed_out),
        numbers_(device_.memory(), 2 * query_count),
        has_documents_(searched.rows().has_documents()) {
    clear(thresholds_);
    clear(counts_);
    searched.select(&selection_);
  }

  // Of queries from `first` on.
  Found found(size_t first) const {
    Found found = selection_;
    found.thresholds = thresholds_.get() + first;
    found.counts = counts_.get() + first;
    found.entries = entries_.get() + first * plan_.capacity;
    found.capacity = plan_.capacity;
    return found;
  }

  void select(Keep keep, bool exact, size_t first, size_t count) const {
    const Selected selected = {thresholds_.get() + first, rows_.get() + first * out_, numbers_.get() + first,
                               numbers_.get() + query_count_ + first, static_cast<unsigned>(out_)};
    select_entries(keep, exact, has_documents_, found(first), static_cast<unsigned>(count), plan_.limit, selected,
                   device_.stream());
  }

  // Waits, and brings everything to the host.
  void download() {
    device_.staging().download(numbers_.get(), numbers_.bytes(), take(host_numbers_, numbers_.size()), device_.stream());
    device_.staging().download(rows_.get(), rows_.bytes(), take(host_rows_, rows_.size()), device_.stream());
    device_.staging().download(thresholds_.get(), thresholds_.bytes(), take(host_thresholds_, query_count_), device_.stream());
  }
  // Whether everything that passed had room.
  bool is_complete(size_t query) const { return host_numbers_[query_count_ + query] <= plan_.capacity; }
  Key threshold(size_t query) const { return host_thresholds_[query]; }
  // How many were handed out; there is room for `handed_out` of them.
  size_t count(size_t query) const { return host_numbers_[query]; }
  const FoundRow *rows(size_t query) const { return host_rows_.data() + query * out_; }

 private:
  template <class T>
  void clear(const DeviceBuffer<T> &buffer) const {
    check(cudaMemsetAsync(buffer.get(), 0, buffer.bytes(), device_.stream()), "clearing what was found");
  }
  template <class T>
  static T *take(std::vector<T> &values, size_t count) {
    values.resize(count);
    return values.data();
  }

  const Plan &plan_;
  Device &device_;
  size_t query_count_, out_;
  DeviceBuffer<Key> thresholds_;
  DeviceBuffer<unsigned> counts_;
  DeviceBuffer<Entry> entries_;
  DeviceBuffer<FoundRow> rows_;
  DeviceBuffer<unsigned> numbers_;  // handed out, then found
  bool has_documents_;
  Found selection_ = {};
  std::vector<unsigned> host_numbers_;
  std::vector<FoundRow> host_rows_;
  std::vector<Key> host_thresholds_;
};

template <class T>
DeviceBuffer<T> uploaded(Device &device, const std::vector<T> &values) {
  DeviceBuffer<T> buffer(device.memory(), values.size());
  device.staging().upload(values.data(), values.size() * sizeof(T), buffer.get(), device.stream());
  return buffer;
}

// One call of search_rows.
class Search {
 public:
  Search(const SearchedRows &searched, size_t limit, const float *queries, const ner_cuda_found &found)
      : searched_(searched),
        rows_(searched.rows()),
        device_(rows_.device()),
        limit_(std::min(limit, searched.count())),
        queries_(queries),
        found_(found) {}

  // The queries with these numbers, float32 or bfloat16.
  void search(const std::vector<size_t> &numbers) {
    if (8 * limit_ > most_capacity_here()) {
      for (const size_t number : numbers) rank(number, 0);
      return;
    }
    const size_t bytes = coarse_row_bytes(rows_.precision(), rows_.dimensions());
    const bool coarsely = numbers.size() > most_scanned_queries &&
                          coarse_query_tile(rows_.precision(), bytes, most_scanned_queries, device_.properties()) != 0;
    in_batches(numbers, [&](const std::vector<size_t> &some) {
      if (coarsely) search_coarsely(some);
      else search_exactly(some);
    });
  }

  // The same, int8: candidates.
  void find_candidates(const std::vector<size_t> &numbers) {
    for (const size_t number : numbers) found_.counts[number] = found_.capacity + 1;
    if (16 * limit_ > most_capacity_here()) return;
    in_batches(numbers, [&](const std::vector<size_t> &some) { find_some_candidates(some); });
  }

 private:
  unsigned most_capacity_here() const { return capacity_for(most_capacity, device_.properties()); }
  const float *query(size_t number) const { return queries_ + number * rows_.dimensions(); }

  // query_planes of these queries and of `padding` that are zero.
  DeviceBuffer<float> planes_of(const std::vector<size_t> &numbers, size_t padded) const {
    std::vector<float> some(numbers.size() * rows_.dimensions());
    for (size_t i = 0; i < numbers.size(); ++i)
      std::copy_n(query(numbers[i]), rows_.dimensions(), some.begin() + static_cast<std::ptrdiff_t>(i * rows_.dimensions()));
    return uploaded(device_, query_planes(rows_.precision(), some.data(), numbers.size(), rows_.dimensions(), padded));
  }
  size_t plane_values() const {
    return vectors_of_row(rows_.precision(), rows_.dimensions()) * (rows_.precision() == NER_BFLOAT16 ? 8 : 4);
  }

  // Calls `work` with some of the queries after the other: as many as the device has memory for.
  template <class Work>
  void in_batches(const std::vector<size_t> &numbers, const Work &work) const {
    size_t at_once = queries_at_once;
    for (size_t first = 0; first < numbers.size();) {
      const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first);
      const size_t count = std::min(at_once, numbers.size() - first);
      try {
        work(std::vector<size_t>(begin, begin + static_cast<std::ptrdiff_t>(count)));
        first += count;
      } catch (const Failure &failure) {
        if (failure.status != NER_OUT_OF_MEMORY || count <= most_scanned_queries) throw;
        at_once = std::max<size_t>(count / 4, most_scanned_queries);
      }
      // What this batch held, the next one may.
      device_.synchronize();
      device_.memory().recycle();
    }
  }

  // Every row's exact score, 8 queries at a time.
  void search_exactly(const std::vector<size_t> &numbers) {
    const Plan plan(searched_.count(), limit_, capacity_for(limit_, device_.properties()), 1);
    const DeviceBuffer<float> planes = planes_of(numbers, numbers.size() + most_scanned_queries);
    Passes passes(searched_, plan, numbers.size(), limit_);
    for (size_t first = 0; first < numbers.size(); first += most_scanned_queries) {
      const size_t count = std::min<size_t>(most_scanned_queries, numbers.size() - first);
      for (const size_t stride : plan.strides) {
        searched_.each_chunk(stride, [&](const RowChunk &chunk, const RowRange &range) {
          scan_rows(rows_.precision(), chunk, range, planes.get() + first * plane_values(), static_cast<unsigned>(count),
                    passes.found(first), device_.properties(), device_.stream());
        });
        passes.select(stride > 1 ? Keep::threshold : Keep::best_out, true, first, count);
      }
    }
    passes.download();
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (passes.is_complete(i)) hand_out(numbers[i], passes.rows(i), passes.count(i));
      else rank(numbers[i], passes.threshold(i));
    }
  }

  // Whole numbers from the tensor cores and their bounds; where there are too many candidates, `found_` says so already.
  void find_some_candidates(const std::vector<size_t> &numbers) {
    const size_t count = numbers.size(), dimensions = rows_.dimensions();
    const size_t bytes = coarse_row_bytes(NER_INT8, dimensions);
    const unsigned tile = coarse_query_tile(NER_INT8, bytes, static_cast<unsigned>(count), device_.properties());
    if (tile == 0) return;
    std::vector<unsigned char> codes((count + tile) * bytes);
    std::vector<QueryBound> bounds(count + tile, QueryBound{});
    for (size_t i = 0; i < count; ++i) {
      const QuantisedQueries made = quantise_queries(query(numbers[i]), 1, dimensions);
      std::copy_n(made.codes.begin(), dimensions, codes.begin() + static_cast<std::ptrdiff_t>(i * bytes));
      const Int8Bound bound = int8_bound(made.queries[0], rows_.longest(), dimensions);
      bounds[i] = {bound.error_factor, bound.query_scale, bound.rest, 0};
    }
    const Plan plan(searched_.count(), limit_, most_capacity_here(), candidates_of_a_found_one);
    const size_t room = std::min<size_t>(found_.capacity, plan.capacity);
    const DeviceBuffer<unsigned char> device_codes = uploaded(device_, codes);
    const DeviceBuffer<QueryBound> device_bounds = uploaded(device_, bounds);
    Passes passes(searched_, plan, count, room);
    for (const size_t stride : plan.strides) {
      scan_coarsely_for(passes, tile, stride, device_codes.get(), device_bounds.get(), count);
      passes.select(stride > 1 ? Keep::threshold : Keep::candidates_out, false, 0, count);
    }
    passes.download();
    for (size_t i = 0; i < count; ++i)
      if (passes.is_complete(i) && passes.count(i) <= room)
        hand_out(numbers[i], passes.rows(i), passes.count(i));
  }

  // The tensor cores' scores and their bounds first, the exact scores of the candidates then.
  void search_coarsely(const std::vector<size_t> &asked) {
    const size_t bytes = coarse_row_bytes(rows_.precision(), rows_.dimensions());
    std::vector<size_t> numbers, others;
    std::vector<unsigned char> rounded((asked.size() + 128) * bytes);
    std::vector<QueryBound> bounds(asked.size() + 128, QueryBound{});
    for (const size_t number : asked) {
      auto *to = reinterpret_cast<unsigned short *>(rounded.data() + numbers.size() * bytes);
      const CoarseBound bound = coarse_bound(query(number), rows_.dimensions(), to);
      bounds[numbers.size()] = {bound.of_length, bound.of_loss, bound.rest, 0};
      (bound.coarse ? numbers : others).push_back(number);
    }
    const Plan plan(searched_.count(), limit_, capacity_for(limit_, device_.properties()), 1);
    if (!numbers.empty()) {
      const size_t count = numbers.size();
      const unsigned tile =
          coarse_query_tile(rows_.precision(), bytes, static_cast<unsigned>(count), device_.properties());
      const DeviceBuffer<unsigned char> device_rounded = uploaded(device_, rounded);
      const DeviceBuffer<QueryBound> device_bounds = uploaded(device_, bounds);
      const DeviceBuffer<float> planes = planes_of(numbers, count);
      Passes passes(searched_, plan, count, limit_);
      for (const size_t stride : plan.strides) {
        scan_coarsely_for(passes, tile, stride, device_rounded.get(), device_bounds.get(), count);
        passes.select(stride > 1 ? Keep::threshold : Keep::candidates, false, 0, count);
      }
      const RowChunks chunks = {rows_.device_chunks(), static_cast<unsigned>(rows_.chunks().size())};
      score_entries(rows_.precision(), chunks, rows_.row_bytes(), planes.get(), static_cast<unsigned>(count), passes.found(0),
                    device_.stream());
      passes.select(Keep::best_out, true, 0, count);
      passes.download();
      for (size_t i = 0; i < count; ++i) {
        if (passes.is_complete(i)) hand_out(numbers[i], passes.rows(i), passes.count(i));
        else others.push_back(numbers[i]);
      }
    }
    if (!others.empty()) search_exactly(others);
  }

  void scan_coarsely_for(const Passes &passes, unsigned tile, size_t stride, const unsigned char *coarse_queries,
                         const QueryBound *bounds, size_t count) const {
    searched_.each_chunk(stride, [&](const RowChunk &chunk, const RowRange &range) {
      scan_coarsely(rows_.precision(), tile, chunk, range, rows_.dimensions(), coarse_queries, bounds,
                    static_cast<unsigned>(count), passes.found(0), device_.properties(), device_.stream());
    });
  }

  // By the keys of all documents that reach the threshold.
  void rank(size_t number, Key threshold) {
    const DeviceBuffer<float> planes = planes_of({number}, 1);
    std::vector<Key> keys;
    rank_documents(searched_, planes.get(), threshold,
                   [&](const Key *some, size_t count) { keys.insert(keys.end(), some, some + count); });
    const size_t count = std::min(limit_, keys.size());
    std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end(), std::greater<>());
    std::vector<FoundRow> best(count);
    for (size_t i = 0; i < count; ++i)
      best[i] = {static_cast<uint32_t>(keys[i] >> 32), ~static_cast<uint32_t>(keys[i])};
    hand_out(number, best.data(), count);
  }

  void hand_out(size_t number, const FoundRow *rows, size_t count) const {
    found_.counts[number] = count;
    for (size_t i = 0; i < count; ++i) {
      found_.scores[number * found_.capacity + i] = score_of_bits(rows[i].score);
      found_.rows[number * found_.capacity + i] = rows[i].row;
    }
  }

  const SearchedRows &searched_;
  const Rows &rows_;
  Device &device_;
  size_t limit_;
  const float *queries_;
  const ner_cuda_found &found_;
};

}  // namespace

void search_rows(const Rows &rows, size_t row_count, const ner_selection *selection, const float *queries,
                 size_t query_count, size_t limit, const ner_cuda_found &found) {
  const SearchedRows searched(rows, row_count, selection);
  std::fill_n(found.counts, query_count, size_t{0});
  if (limit == 0 || searched.count() == 0 || query_count == 0) return;
  if (rows.precision() != NER_INT8 && found.capacity < std::min(limit, searched.count()))
    throw Failure(NER_INVALID_ARGUMENT, "expected room for " + std::to_string(std::min(limit, searched.count())) +
                                            " rows of each query, got " + std::to_string(found.capacity));
  std::vector<size_t> numbers(query_count);
  for (size_t i = 0; i < query_count; ++i) numbers[i] = i;
  Search search(searched, limit, queries, found);
  if (rows.precision() == NER_INT8) search.find_candidates(numbers);
  else search.search(numbers);
}

size_t rows_above(const Rows &rows, size_t row_count, const ner_selection *selection, const float *query,
                  float minimum_score, uint64_t *keys, size_t capacity) {
  if (rows.precision() == NER_INT8)
    throw Failure(NER_INVALID_ARGUMENT, "expected float32 or bfloat16 rows: of int8 the GPU has no scores");
  if (std::isnan(minimum_score)) throw Failure(NER_INVALID_ARGUMENT, "expected a number as minimum score, got NaN");
  const SearchedRows searched(rows, row_count, selection);
  const DeviceBuffer<float> planes =
      uploaded(rows.device(), query_planes(rows.precision(), query, 1, rows.dimensions(), 1));
  // Minus infinity: NaN too.
  const Key threshold = minimum_score == -std::numeric_limits<float>::infinity()
                            ? 0
                            : static_cast<Key>(ordered_bits(minimum_score)) << 32;
  size_t count = 0;
  rank_documents(searched, planes.get(), threshold, [&](const Key *some, size_t many) {
    if (count < capacity) std::copy_n(some, std::min(many, capacity - count), keys + count);
    count += many;
  });
  return count;
}

void rows_scores(const Rows &rows, const float *queries, size_t query_count, const uint32_t *chosen, size_t chosen_count,
                 float *scores) {
  if (rows.precision() == NER_INT8)
    throw Failure(NER_INVALID_ARGUMENT, "expected float32 or bfloat16 rows: of int8 the GPU has no scores");
  for (size_t i = 0; i < chosen_count; ++i)
    if (chosen[i] >= rows.count())
      throw Failure(NER_INVALID_ARGUMENT, "expected rows below " + std::to_string(rows.count()) + ", got " +
                                              std::to_string(chosen[i]));
  if (chosen_count == 0) return;
  Device &device = rows.device();
  const DeviceBuffer<uint32_t> numbers(device.memory(), chosen_count);
  device.staging().upload(chosen, chosen_count * sizeof *chosen, numbers.get(), device.stream());
  const size_t at_once = std::min<size_t>(query_count, most_scanned_queries);
  const DeviceBuffer<float> some_scores(device.memory(), at_once * chosen_count);
  const size_t values = vectors_of_row(rows.precision(), rows.dimensions()) * (rows.precision() == NER_BFLOAT16 ? 8 : 4);
  const DeviceBuffer<float> planes = uploaded(device, query_planes(rows.precision(), queries, query_count, rows.dimensions(),
                                                                   query_count + most_scanned_queries));
  const RowChunks chunks = {rows.device_chunks(), static_cast<unsigned>(rows.chunks().size())};
  for (size_t first = 0; first < query_count; first += most_scanned_queries) {
    const size_t count = std::min<size_t>(most_scanned_queries, query_count - first);
    score_chosen_rows(rows.precision(), chunks, rows.row_bytes(), planes.get() + first * values,
                      static_cast<unsigned>(count), numbers.get(), chosen_count, some_scores.get(), chosen_count,
                      device.properties(), device.stream());
    device.staging().download(some_scores.get(), count * chosen_count * sizeof(float), scores + first * chosen_count,
                              device.stream());
  }
}

}  // namespace ner_retriever::cuda
