#include "on_devices.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexShards.h>
#include <faiss/clone_index.h>
#include <faiss/gpu/GpuCloner.h>
#include <faiss/gpu/GpuIndexIVF.h>
#include <faiss/gpu/StandardGpuResources.h>
#if defined(USE_NVIDIA_CUVS)
#include <faiss/gpu/GpuIndexCagra.h>
#endif

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device_plan.h"
#include "devices.h"
#include "failure.h"

#if defined(USE_NVIDIA_CUVS)
#define NER_RETRIEVER_CAGRA 1
#else
#define NER_RETRIEVER_CAGRA 0
#endif

namespace {

using faiss::gpu::GpuIndexIVF;
using RowCount = decltype(faiss::Index::ntotal);

constexpr size_t default_temporary_memory = size_t{512} << 20;

// Beside it: what cuBLAS and CUDA take once work begins.
constexpr size_t own_memory = size_t{256} << 20;

// What FAISS's kernels select, and visit, at most.
constexpr size_t most_selected = 2048;

std::vector<int> chosen_devices(const ner_faiss_device_options &options) {
  const int count = OnDevices::count();
  if (count == 0)
    throw Failure(NER_UNAVAILABLE,
                  "expected a GPU of NVIDIA's and its driver, got none: 'nvidia-smi' says what the driver sees");
  std::vector<int> devices(options.devices, options.devices + options.device_count);
  if (devices.empty()) devices.push_back(0);
  for (const int device : devices)
    if (device < 0 || device >= count)
      throw Failure(NER_INVALID_ARGUMENT,
                    "expected GPUs 0 to " + std::to_string(count - 1) + ", got " + std::to_string(device));
  if (std::set<int>(devices.begin(), devices.end()).size() < devices.size())
    throw Failure(NER_INVALID_ARGUMENT, "expected each GPU once, got one twice");
  return devices;
}

void check_free_memory(int device, size_t bytes, size_t temporary) {
  const size_t free = free_device_memory(device);
  if (free >= bytes + temporary + own_memory) return;
  throw Failure(NER_OUT_OF_MEMORY,
                "expected " + std::to_string(bytes + temporary + own_memory) + " free bytes on GPU " + std::to_string(device) +
                    " (" + std::to_string(bytes) + " for rows, " + std::to_string(temporary) + " of temporary memory, " +
                    std::to_string(own_memory) + " for CUDA itself), got " + std::to_string(free) +
                    ". Share the index out among more GPUs, choose float16 or a smaller kind of index, or less temporary memory");
}

// The lists (IVF) of a copy, one index a GPU; empty where it is of another kind.
std::vector<GpuIndexIVF *> lists_of(faiss::Index *index) {
  if (const auto *rotated = dynamic_cast<faiss::IndexPreTransform *>(index)) index = rotated->index;
  std::vector<faiss::Index *> parts;
  if (const auto *shards = dynamic_cast<faiss::IndexShards *>(index)) {
    for (size_t place = 0; place < static_cast<size_t>(shards->count()); ++place)
      parts.push_back(const_cast<faiss::Index *>(shards->at(place)));
  } else {
    parts.push_back(index);
  }
  std::vector<GpuIndexIVF *> lists;
  for (faiss::Index *part : parts)
    if (auto *one = dynamic_cast<GpuIndexIVF *>(part)) lists.push_back(one);
  return lists;
}

#if NER_RETRIEVER_CAGRA
// CAGRA over the rows of a graph, behind the same rotations.
std::unique_ptr<faiss::Index> make_graph(faiss::gpu::GpuResourcesProvider *resources, int device,
                                         const faiss::Index &index) {
  const auto *rotated = dynamic_cast<const faiss::IndexPreTransform *>(&index);
  const auto &graph = dynamic_cast<const faiss::IndexHNSW &>(rotated == nullptr ? index : *rotated->index);
  std::vector<float> copied;
  const float *rows;
  if (const auto *flat = dynamic_cast<const faiss::IndexFlat *>(graph.storage)) {
    rows = flat->get_xb();
  } else {
    copied.resize(static_cast<size_t>(graph.ntotal) * static_cast<size_t>(graph.d));
    graph.storage->reconstruct_n(0, graph.ntotal, copied.data());
    rows = copied.data();
  }
  faiss::gpu::GpuIndexCagraConfig config;
  config.device = device;
  auto made = std::make_unique<faiss::gpu::GpuIndexCagra>(resources, graph.d, graph.metric_type, config);
  made->train(graph.ntotal, rows);
  if (rotated == nullptr) return made;
  auto around = std::make_unique<faiss::IndexPreTransform>(made.release());
  around->own_fields = true;
  for (auto step = rotated->chain.rbegin(); step != rotated->chain.rend(); ++step)
    around->prepend_transform(faiss::Cloner().clone_VectorTransform(*step));
  return around;
}
#endif

}  // namespace

struct OnDevices::Resources {
  std::vector<std::unique_ptr<faiss::gpu::StandardGpuResources>> each;
};

int OnDevices::count() { return device_count(); }

OnDevices::OnDevices(const faiss::Index &index, const ner_faiss_device_options &options)
    : resources_(std::make_unique<Resources>()) {
  std::vector<int> devices = chosen_devices(options);
  const DevicePlan plan = plan_for_devices(index, options, NER_RETRIEVER_CAGRA);
  const size_t temporary = options.temporary_memory > 0 ? options.temporary_memory : default_temporary_memory;
  for (const int device : devices) check_free_memory(device, plan.bytes_each, temporary);
  is_graph_ = plan.is_graph;
  shared_out_ = devices.size() > 1;
  row_bytes_ = plan.row_bytes;
  device_ = devices.front();

  std::vector<faiss::gpu::GpuResourcesProvider *> providers;
  for (size_t place = 0; place < devices.size(); ++place) {
    resources_->each.push_back(std::make_unique<faiss::gpu::StandardGpuResources>());
    resources_->each.back()->setTempMemory(temporary);
    providers.push_back(resources_->each.back().get());
  }
#if NER_RETRIEVER_CAGRA
  if (is_graph_) {
    index_ = make_graph(providers.front(), device_, index);
    return;
  }
#endif
  faiss::gpu::GpuMultipleClonerOptions copying;
  copying.useFloat16 = options.float16 != 0;
  copying.shard = true;
  copying.use_cuvs = false;  // FAISS's own kernels: the same kinds and limits in every build
  copying.allowCpuCoarseQuantizer = true;  // IVF…_HNSW32: centroids are found on the CPU
  index_.reset(faiss::gpu::index_cpu_to_gpu_multiple(providers, devices, &index, &copying));
  const std::vector<GpuIndexIVF *> lists = lists_of(index_.get());
  if (!lists.empty()) own_nprobe_ = static_cast<size_t>(lists.front()->nprobe);
}

OnDevices::~OnDevices() = default;

bool OnDevices::has_lists() const { return own_nprobe_ > 0; }

void OnDevices::search(const float *queries, size_t query_count, size_t count, const ner_faiss_parameters &parameters,
                       float *scores, int64_t *rows) {
  if (count > most_selected)
    throw Failure(NER_INVALID_ARGUMENT, "expected a limit (times refineFactor) of at most " +
                                            std::to_string(most_selected) + " on a GPU, got " + std::to_string(count));
  const std::lock_guard<std::mutex> alone(one_at_a_time_);
  if (has_lists()) use_nprobe(parameters.nprobe > 0 ? parameters.nprobe : own_nprobe_);
  faiss::SearchParameters *chosen = nullptr;
#if NER_RETRIEVER_CAGRA
  faiss::gpu::SearchParametersCagra walk;
  walk.itopk_size = std::max({walk.itopk_size, count, parameters.ef_search});
  if (is_graph_) chosen = &walk;
#endif
  index_->search(static_cast<RowCount>(query_count), queries, static_cast<RowCount>(count), scores, rows, chosen);
}

// By the index's own field and not with the search: before FAISS 1.12 an index that is shared out takes no parameters.
void OnDevices::use_nprobe(size_t nprobe) {
  for (GpuIndexIVF *lists : lists_of(index_.get())) {
    const size_t visited = std::min(nprobe, static_cast<size_t>(lists->nlist));
    if (visited > most_selected)
      throw Failure(NER_INVALID_ARGUMENT, "expected nprobe of at most " + std::to_string(most_selected) +
                                              " on a GPU, got " + std::to_string(nprobe));
    lists->nprobe = static_cast<decltype(lists->nprobe)>(visited);
  }
}

void OnDevices::check_change(size_t rows) const {
  if (is_graph_)
    throw Failure(NER_INVALID_ARGUMENT, "expected no graph: on a GPU it is made once, from all of its rows. Change the index "
                                        "that it was copied from, and copy that again");
  if (shared_out_)
    throw Failure(NER_INVALID_ARGUMENT, "expected an index on one GPU: one that is shared out is not changed. Change the "
                                        "index that it was copied from, and copy that again");
  // What is there may be copied to where there is room for both.
  const size_t bytes = rows == 0 ? 0 : (static_cast<size_t>(index_->ntotal) + 2 * rows) * row_bytes_;
  const size_t free = free_device_memory(device_);
  if (free < bytes)
    throw Failure(NER_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " free bytes on GPU " + std::to_string(device_) +
                                         " while rows are added, got " + std::to_string(free) +
                                         ". Add them to the index in the host's memory and copy it");
}

std::unique_ptr<faiss::Index> OnDevices::to_host() {
  if (is_graph_)
    throw Failure(NER_INVALID_ARGUMENT, "expected no graph: the one on the GPU (CAGRA) is another than the one that it was "
                                        "made from, and has no file. Write that one");
  const std::lock_guard<std::mutex> alone(one_at_a_time_);
  if (has_lists()) use_nprobe(own_nprobe_);
  return std::unique_ptr<faiss::Index>(faiss::gpu::index_gpu_to_cpu(index_.get()));
}
