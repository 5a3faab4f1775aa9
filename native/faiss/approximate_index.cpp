#include "approximate_index.h"

#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/clone_index.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "check_file.h"
#include "factory_string.h"
#include "failure.h"
#include "writers.h"

namespace {

using FaissCount = decltype(faiss::Index::ntotal);

// What FAISS keeps a row's number in.
constexpr size_t most_rows = std::numeric_limits<uint32_t>::max();
constexpr size_t most_graph_rows = std::numeric_limits<int32_t>::max();

constexpr size_t most_dimensions = size_t{1} << 20;

// Candidates of so many scores lie in memory at a time.
constexpr size_t most_candidates = size_t{1} << 22;

// Writes the best of the candidates [count], at most `limit`, equal scores by lower row; says how many there were.
uint32_t best_rows(const float *candidate_scores, const int64_t *candidate_rows, size_t count, size_t limit,
                   float *scores, uint32_t *rows) {
  std::vector<std::pair<float, int64_t>> candidates;
  candidates.reserve(count);
  for (size_t place = 0; place < count; ++place)
    if (candidate_rows[place] >= 0 && !std::isnan(candidate_scores[place]))
      candidates.emplace_back(-candidate_scores[place], candidate_rows[place]);
  const size_t found = std::min(limit, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(found), candidates.end());
  for (size_t place = 0; place < found; ++place) {
    scores[place] = -candidates[place].first;
    rows[place] = static_cast<uint32_t>(candidates[place].second);
  }
  return static_cast<uint32_t>(found);
}

}  // namespace

std::unique_ptr<ApproximateIndex> ApproximateIndex::create(const std::string &factory, size_t dimensions) {
  if (!known_factory_string(factory))
    throw Failure(NER_INVALID_ARGUMENT,
                  "expected a factory string such as 'HNSW32', 'IVF4096,SQ8' or 'IVF4096,PQ64x4fs,RFlat', got '" +
                      factory + "'");
  if (dimensions < 1 || dimensions > most_dimensions)
    throw Failure(NER_INVALID_ARGUMENT, "expected 1 to " + std::to_string(most_dimensions) + " dimensions, got " +
                                            std::to_string(dimensions));
  // What FAISS says here is about numbers that do not go together.
  try {
    return std::make_unique<ApproximateIndex>(std::unique_ptr<faiss::Index>(
        faiss::index_factory(static_cast<int>(dimensions), factory.c_str(), faiss::METRIC_INNER_PRODUCT)));
  } catch (const faiss::FaissException &error) {
    throw Failure(NER_INVALID_ARGUMENT, "expected a factory string for " + std::to_string(dimensions) +
                                            " dimensions, got '" + factory + "': " + error.what());
  }
}

std::unique_ptr<ApproximateIndex> ApproximateIndex::read(const std::string &file) {
  check_file(file);
  return std::make_unique<ApproximateIndex>(std::unique_ptr<faiss::Index>(faiss::read_index(file.c_str())));
}

ApproximateIndex::ApproximateIndex(std::unique_ptr<faiss::Index> index)
    : ApproximateIndex(std::shared_ptr<faiss::Index>(std::move(index)), nullptr) {}

ApproximateIndex::ApproximateIndex(std::shared_ptr<faiss::Index> index, std::shared_ptr<OnDevices> on_devices)
    : index_(std::move(index)), on_devices_(std::move(on_devices)) {
  refine_ = dynamic_cast<faiss::IndexRefine *>(index_.get());
  base_ = refine_ == nullptr ? index_.get() : refine_->base_index;
  faiss::Index *inner = base_;
  if (const auto *rotated = dynamic_cast<faiss::IndexPreTransform *>(inner)) inner = rotated->index;
  graph_ = dynamic_cast<faiss::IndexHNSW *>(inner);
  lists_ = dynamic_cast<faiss::IndexIVF *>(inner);
  fast_scan_ = dynamic_cast<faiss::IndexIVFFastScan *>(inner);
  if (lists_ != nullptr) own_nprobe_ = lists_->nprobe;
}

std::unique_ptr<ApproximateIndex> ApproximateIndex::to_devices(const ner_faiss_device_options &options) const {
  if (on_devices_ != nullptr)
    throw Failure(NER_INVALID_ARGUMENT, "expected an index in the host's memory, got one that is on a GPU");
  auto on_devices = std::make_shared<OnDevices>(*base_, options);
  const std::shared_ptr<faiss::Index> base(on_devices, on_devices->index());
  return std::unique_ptr<ApproximateIndex>(new ApproximateIndex(with_refinement(base), on_devices));
}

std::unique_ptr<ApproximateIndex> ApproximateIndex::to_host() const {
  if (on_devices_ == nullptr)
    throw Failure(NER_INVALID_ARGUMENT, "expected an index on a GPU, got one in the host's memory");
  return std::unique_ptr<ApproximateIndex>(new ApproximateIndex(with_refinement(on_devices_->to_host()), nullptr));
}

// `base`, before a copy of this index's refinement where it has one.
std::shared_ptr<faiss::Index> ApproximateIndex::with_refinement(std::shared_ptr<faiss::Index> base) const {
  if (refine_ == nullptr) return base;
  struct Refined {
    std::shared_ptr<faiss::Index> base;
    std::unique_ptr<faiss::Index> rows;
    faiss::IndexRefine both;
  };
  std::unique_ptr<faiss::Index> rows(faiss::clone_index(refine_->refine_index));
  faiss::IndexRefine both(base.get(), rows.get());
  both.k_factor = refine_->k_factor;
  const auto refined = std::make_shared<Refined>(Refined{std::move(base), std::move(rows), both});
  return std::shared_ptr<faiss::Index>(refined, &refined->both);
}

ner_faiss_description ApproximateIndex::describe() const {
  ByteCounter counter;
  if (on_devices_ == nullptr)
    save(counter);
  else if (refine_ != nullptr)
    faiss::write_index(refine_->refine_index, &counter);
  return {static_cast<size_t>(index_->d), static_cast<size_t>(index_->ntotal), index_->is_trained, counter.bytes};
}

void ApproximateIndex::train(const float *rows, size_t count) {
  if (index_->ntotal > 0)
    throw Failure(NER_INVALID_ARGUMENT, "expected an index without rows to be trained, got one of " +
                                            std::to_string(index_->ntotal));
  if (on_devices_ != nullptr) on_devices_->check_change(0);
  index_->train(static_cast<FaissCount>(count), rows);
}

void ApproximateIndex::add(const float *rows, size_t count) {
  if (!index_->is_trained)
    throw Failure(NER_INVALID_ARGUMENT, "expected a trained index: train it on a sample of the rows before adding any");
  const size_t most = graph_ == nullptr ? most_rows : most_graph_rows;
  const auto size = static_cast<size_t>(index_->ntotal);
  if (count > most - size)
    throw Failure(NER_INVALID_ARGUMENT, "expected at most " + std::to_string(most) + " rows in all, got " +
                                            std::to_string(count) + " beside " + std::to_string(size));
  // NaN has no neighbours: it would cut the graph where it lies. Other kinds never find it, and are none the worse.
  if (graph_ != nullptr) {
    const size_t values = count * static_cast<size_t>(index_->d);
    const auto *wrong = std::find_if(rows, rows + values, [](float value) { return !std::isfinite(value); });
    if (wrong != rows + values)
      throw Failure(NER_INVALID_ARGUMENT, "expected finite numbers in the rows of a graph (HNSW), got others in row " +
                                              std::to_string((wrong - rows) / index_->d) + " of this call");
  }
  if (on_devices_ != nullptr) on_devices_->check_change(count);
  if (count > 0) index_->add(static_cast<FaissCount>(count), rows);
}

void ApproximateIndex::search(const float *queries, size_t query_count, size_t limit,
                              const ner_faiss_parameters &parameters, float *scores, uint32_t *rows,
                              uint32_t *counts) const {
  const auto size = static_cast<size_t>(index_->ntotal);
  const auto dimensions = static_cast<size_t>(index_->d);
  if (limit > size)
    throw Failure(NER_INVALID_ARGUMENT,
                  "expected a limit within " + std::to_string(size) + " rows, got " + std::to_string(limit));
  const size_t count = candidate_count(limit, parameters);
  if (limit == 0) return;

  const size_t block = std::max<size_t>(1, most_candidates / count);
  std::vector<float> found_scores(std::min(block, query_count) * count);
  std::vector<int64_t> found_rows(found_scores.size());
  for (size_t first = 0; first < query_count; first += block) {
    const size_t queries_now = std::min(block, query_count - first);
    find_candidates(queries + first * dimensions, queries_now, count, parameters, found_scores.data(),
                    found_rows.data());
    if (refine_ != nullptr)
      score_again(queries + first * dimensions, queries_now, count, found_scores.data(), found_rows.data());

    for (size_t query = 0; query < queries_now; ++query)
      counts[first + query] =
          best_rows(found_scores.data() + query * count, found_rows.data() + query * count, count, limit,
                    scores + (first + query) * limit, rows + (first + query) * limit);
  }
}

// How many rows to ask of the index without its refinement.
size_t ApproximateIndex::candidate_count(size_t limit, const ner_faiss_parameters &parameters) const {
  const bool has_lists = lists_ != nullptr || (on_devices_ != nullptr && on_devices_->has_lists());
  const bool is_graph = graph_ != nullptr || (on_devices_ != nullptr && on_devices_->is_graph());
  if (parameters.nprobe > 0 && !has_lists)
    throw Failure(NER_INVALID_ARGUMENT, "expected no nprobe: this index has no inverted lists (IVF)");
  if (parameters.ef_search > 0 && !is_graph)
    throw Failure(NER_INVALID_ARGUMENT, "expected no efSearch: this index is no graph (HNSW)");
  if (parameters.refine_factor > 0 && refine_ == nullptr)
    throw Failure(NER_INVALID_ARGUMENT, "expected no refineFactor: this index has no refinement (RFlat)");
  size_t count = limit;
  if (refine_ != nullptr) {
    const double factor =
        parameters.refine_factor > 0 ? static_cast<double>(parameters.refine_factor) : static_cast<double>(refine_->k_factor);
    count = static_cast<size_t>(std::min(static_cast<double>(limit) * factor, static_cast<double>(index_->ntotal)));
  }
  // FAISS 1.7.3 sizes its queue of candidates by what is asked for, not by the efSearch of a call.
  if (graph_ != nullptr && parameters.ef_search > 0) count = std::max(count, parameters.ef_search);
  return std::min(count, static_cast<size_t>(index_->ntotal));
}

// scores and rows [query_count, count]; row -1 where there are no more.
void ApproximateIndex::find_candidates(const float *queries, size_t query_count, size_t count,
                                       const ner_faiss_parameters &parameters, float *scores, int64_t *rows) const {
  if (on_devices_ != nullptr) return on_devices_->search(queries, query_count, count, parameters, scores, rows);
  const auto search = [&](const faiss::SearchParameters *chosen) {
    base_->search(static_cast<FaissCount>(query_count), queries, static_cast<FaissCount>(count), scores, rows, chosen);
  };
  if (fast_scan_ != nullptr) {
    const size_t nprobe = std::min(parameters.nprobe > 0 ? parameters.nprobe : own_nprobe_, fast_scan_->nlist);
    for (;;) {
      {
        const std::shared_lock<std::shared_mutex> lock(fast_scan_setting_);
        if (fast_scan_->nprobe == nprobe) return search(nullptr);
      }
      const std::unique_lock<std::shared_mutex> lock(fast_scan_setting_);
      fast_scan_->nprobe = nprobe;
    }
  }
  if (lists_ != nullptr) {
    faiss::SearchParametersIVF chosen;
    chosen.nprobe = parameters.nprobe > 0 ? parameters.nprobe : own_nprobe_;
    chosen.max_codes = lists_->max_codes;
    return search(&chosen);
  }
  if (graph_ != nullptr && parameters.ef_search > 0) {
    faiss::SearchParametersHNSW chosen;
    chosen.efSearch = static_cast<int>(std::min(parameters.ef_search, most_graph_rows));
    return search(&chosen);
  }
  search(nullptr);
}

// By the rows as the refinement keeps them. (IndexRefine::search does it too, but hands on no parameters.)
void ApproximateIndex::score_again(const float *queries, size_t query_count, size_t count, float *scores,
                                   const int64_t *rows) const {
  const auto dimensions = static_cast<size_t>(index_->d);
#pragma omp parallel if (query_count > 1)
  {
    const std::unique_ptr<faiss::DistanceComputer> computer(refine_->refine_index->get_distance_computer());
#pragma omp for
    for (int64_t query = 0; query < static_cast<int64_t>(query_count); ++query) {
      const auto first = static_cast<size_t>(query) * count;
      computer->set_query(queries + static_cast<size_t>(query) * dimensions);
      for (size_t place = first; place < first + count; ++place)
        if (rows[place] >= 0) scores[place] = (*computer)(rows[place]);
    }
  }
}

void ApproximateIndex::write(const std::string &file) const {
  if (on_devices_ != nullptr) return to_host()->write(file);
  FileWriter writer(file);
  save(writer);
  writer.finish();
}

void ApproximateIndex::save(faiss::IOWriter &writer) const {
  std::unique_lock<std::shared_mutex> lock(fast_scan_setting_);
  if (fast_scan_ != nullptr) fast_scan_->nprobe = own_nprobe_;
  faiss::write_index(index_.get(), &writer);
}
