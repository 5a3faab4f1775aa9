#include "device_rows.h"

#include <algorithm>
#include <limits>
#include <new>

#include "../cuda/cuda_api.h"
#include "last_error.h"
#include "sort_keys.h"

namespace ner_retriever {

namespace {
// Places for the candidates of a query: the bounds of bytes let some ten rows pass for each that is looked for.
constexpr size_t least_candidates = 1024;
constexpr size_t candidates_for_a_found_one = 64;
}  // namespace

ner_status DeviceRows::create(const ner_cuda_api &cuda, std::shared_ptr<ner_cuda_device> device, ner_precision precision,
                              size_t dimensions, std::shared_ptr<DeviceRows> *made) {
  ner_cuda_rows *rows = nullptr;
  const ner_status status = cuda.rows_create(device.get(), precision, dimensions, &rows);
  if (status != NER_OK) return fail(status, cuda.last_error());
  DeviceRows *object = new (std::nothrow) DeviceRows(cuda, std::move(device), rows);
  if (object == nullptr) {
    cuda.rows_destroy(rows);
    return fail(NER_OUT_OF_MEMORY, "out of memory");
  }
  made->reset(object);
  return NER_OK;
}

DeviceRows::~DeviceRows() { cuda_.rows_destroy(rows_); }

ner_status DeviceRows::append(const ner_segment &segment) noexcept { return handed_on(cuda_.rows_append(rows_, &segment)); }

ner_status DeviceRows::search(size_t row_count, const ner_selection *selection, const float *queries, size_t query_count,
                              size_t limit, float *scores, uint32_t *rows, size_t *counts) const noexcept {
  const ner_cuda_found found = {limit, scores, rows, counts};
  return handed_on(cuda_.rows_search(rows_, row_count, selection, queries, query_count, limit, &found));
}

ner_status DeviceRows::rank(size_t row_count, const ner_selection *selection, const float *query, float minimum_score,
                            unsigned threads, uint64_t *keys, size_t capacity, size_t *key_count) const {
  const ner_status status =
      cuda_.rows_above(rows_, row_count, selection, query, minimum_score, keys, capacity, key_count);
  if (status == NER_OK) sort_keys(keys, *key_count, threads);
  return handed_on(status);
}

ner_status DeviceRows::scores(const float *queries, size_t query_count, const uint32_t *rows, size_t row_count,
                              float *scores) const noexcept {
  return handed_on(cuda_.rows_scores(rows_, queries, query_count, rows, row_count, scores));
}

ner_status DeviceRows::candidates(size_t row_count, const ner_selection *selection, const float *queries,
                                  size_t query_count, size_t limit, std::vector<Candidates> *found) const {
  const size_t capacity = std::min(row_count, std::max(least_candidates, candidates_for_a_found_one * limit));
  std::vector<float> uppers(query_count * capacity);
  std::vector<uint32_t> rows(query_count * capacity);
  std::vector<size_t> counts(query_count);
  const ner_cuda_found places = {capacity, uppers.data(), rows.data(), counts.data()};
  const ner_status status = cuda_.rows_search(rows_, row_count, selection, queries, query_count, limit, &places);
  if (status != NER_OK) return handed_on(status);
  found->assign(query_count, {});
  for (size_t query = 0; query < query_count; ++query) {
    Candidates &mine = (*found)[query];
    mine.too_many = counts[query] > capacity;
    if (mine.too_many) continue;
    mine.rows.reserve(counts[query]);
    for (size_t at = query * capacity; at < query * capacity + counts[query]; ++at)
      mine.rows.push_back({-std::numeric_limits<float>::infinity(), uppers[at], rows[at], 0});
  }
  return NER_OK;
}

ner_status DeviceRows::handed_on(ner_status status) const noexcept {
  return status == NER_OK ? NER_OK : fail(status, cuda_.last_error());
}

}  // namespace ner_retriever
