#include <faiss/IndexFlat.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/IndexShards.h>
#include <faiss/clone_index.h>
#include <faiss/gpu/GpuCloner.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "devices.h"

// Two GPUs of 2 GiB, or what the test says.
int device_count() {
  const char *count = std::getenv("NER_RETRIEVER_STAND_IN_GPUS");
  return count == nullptr ? 2 : std::atoi(count);
}

size_t free_device_memory(int) {
  const char *bytes = std::getenv("NER_RETRIEVER_STAND_IN_MEMORY");
  return bytes == nullptr ? size_t{2} << 30 : std::strtoull(bytes, nullptr, 10);
}

namespace faiss::gpu {

namespace {

using Count = decltype(Index::ntotal);

struct SharedOut : IndexShards {
  using IndexShards::IndexShards;
  std::vector<std::unique_ptr<Index>> shares;
};

std::unique_ptr<Index> one_copy(const Index *index, const GpuClonerOptions &options) {
  const auto *flat = dynamic_cast<const IndexFlat *>(index);
  if (flat == nullptr || !options.useFloat16) return std::unique_ptr<Index>(clone_index(index));
  auto halves = std::make_unique<IndexScalarQuantizer>(flat->d, ScalarQuantizer::QT_fp16, flat->metric_type);
  halves->add(flat->ntotal, flat->get_xb());
  return halves;
}

std::unique_ptr<Index> one_share(const Index *index, Count place, Count places, const GpuClonerOptions &options) {
  if (const auto *flat = dynamic_cast<const IndexFlat *>(index)) {
    IndexFlat share(flat->d, flat->metric_type);
    const Count first = flat->ntotal * place / places, end = flat->ntotal * (place + 1) / places;
    share.add(end - first, flat->get_xb() + first * flat->d);
    return one_copy(&share, options);
  }
  std::unique_ptr<Index> share(clone_index(index));
  auto *lists = dynamic_cast<IndexIVF *>(share.get());
  lists->reset();
  const InvertedLists &all = *dynamic_cast<const IndexIVF *>(index)->invlists;
  for (size_t list = 0; list < all.nlist; ++list) {
    InvertedLists::ScopedIds numbers(&all, list);
    InvertedLists::ScopedCodes codes(&all, list);
    for (size_t at = 0; at < all.list_size(list); ++at) {
      if (numbers[at] % places != place) continue;
      lists->invlists->add_entry(list, numbers[at], codes.get() + at * all.code_size);
      ++lists->ntotal;
    }
  }
  return share;
}

}  // namespace

Index *index_cpu_to_gpu_multiple(std::vector<GpuResourcesProvider *> &providers, std::vector<int> &devices,
                                 const Index *index, const GpuMultipleClonerOptions *options) {
  if (const auto *rotated = dynamic_cast<const IndexPreTransform *>(index)) {
    auto copy = std::make_unique<IndexPreTransform>(index_cpu_to_gpu_multiple(providers, devices, rotated->index, options));
    copy->own_fields = true;
    for (auto step = rotated->chain.rbegin(); step != rotated->chain.rend(); ++step)
      copy->prepend_transform(Cloner().clone_VectorTransform(*step));
    copy->is_trained = index->is_trained;
    return copy.release();
  }
  if (devices.size() == 1) return one_copy(index, *options).release();
  auto shared_out = std::make_unique<SharedOut>(index->d, false, dynamic_cast<const IndexFlat *>(index) != nullptr);
  for (size_t place = 0; place < devices.size(); ++place) {
    shared_out->shares.push_back(
        one_share(index, static_cast<Count>(place), static_cast<Count>(devices.size()), *options));
    shared_out->add_shard(shared_out->shares.back().get());
  }
  return shared_out.release();
}

Index *index_gpu_to_cpu(const Index *index) {
  if (const auto *rotated = dynamic_cast<const IndexPreTransform *>(index)) {
    auto copy = std::make_unique<IndexPreTransform>(index_gpu_to_cpu(rotated->index));
    copy->own_fields = true;
    for (auto step = rotated->chain.rbegin(); step != rotated->chain.rend(); ++step)
      copy->prepend_transform(Cloner().clone_VectorTransform(*step));
    return copy.release();
  }
  if (const auto *halves = dynamic_cast<const IndexScalarQuantizer *>(index)) {
    std::vector<float> rows(static_cast<size_t>(halves->ntotal) * static_cast<size_t>(halves->d));
    halves->reconstruct_n(0, halves->ntotal, rows.data());
    auto flat = std::make_unique<IndexFlat>(halves->d, halves->metric_type);
    flat->add(halves->ntotal, rows.data());
    return flat.release();
  }
  const auto *shards = dynamic_cast<const IndexShards *>(index);
  if (shards == nullptr) return clone_index(index);
  std::unique_ptr<Index> whole(index_gpu_to_cpu(shards->at(0)));
  for (int place = 1; place < shards->count(); ++place) {
    const std::unique_ptr<Index> share(index_gpu_to_cpu(shards->at(static_cast<size_t>(place))));
    whole->merge_from(*share, 0);
  }
  return whole.release();
}

}  // namespace faiss::gpu
