#include "device_memory.h"

#include <algorithm>
#include <string>

#include "cuda_error.h"

#if defined(NER_RETRIEVER_CUDA_EMULATION)
#include "memory.h"
#endif

namespace ner_retriever::cuda {

namespace {

// What cudaMalloc rounds to anyway.
size_t rounded(size_t bytes) {
  const size_t step = bytes < (size_t{1} << 20) ? 512 : size_t{2} << 20;
  return (bytes + step - 1) / step * step;
}

// In the emulation, what lies beyond `bytes` must not be touched, and nothing is left of who had the block before.
void *handed_out(void *block, size_t bytes) {
#if defined(NER_RETRIEVER_CUDA_EMULATION)
  cuda_emulation::hand_out(block, bytes);
#else
  (void)bytes;
#endif
  return block;
}

std::string in_words(size_t bytes) {
  if (bytes < (size_t{10} << 20)) return std::to_string(bytes) + " bytes";
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

DeviceMemory::~DeviceMemory() {
  recycle();
  trim();
}

void *DeviceMemory::take(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > SIZE_MAX / 2) throw Failure(NER_OUT_OF_MEMORY, "a buffer of " + std::to_string(bytes) + " bytes was asked for");
  void *block = reuse(bytes);
  if (block == nullptr) block = allocate(bytes);
  if (block == nullptr && !resting_.empty()) {
    // Only here a batch waits: what it gave back itself may be enough.
    wait_();
    recycle();
    block = reuse(bytes);
  }
  if (block == nullptr && !unused_.empty()) {
    wait_();
    trim();
    block = allocate(bytes);
  }
  if (block != nullptr) return handed_out(block, bytes);

  size_t free_bytes = 0;
  size_t all_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &all_bytes), "asking for the GPU's free memory");
  throw Failure(NER_OUT_OF_MEMORY,
                "the GPU's memory is not enough: " + in_words(bytes) + " more were asked for, this library holds " +
                    in_words(held_) + (limit_ == 0 ? "" : " of the " + in_words(limit_) + " that it may hold") + ", and " +
                    in_words(free_bytes) + " of " + in_words(all_bytes) +
                    " are free. Ask for less at a time, " + (limit_ == 0 ? "" : "raise the memory limit, ") +
                    "or use device \"cpu\"");
}

// The smallest block that is large enough, unless it is so large that somebody else will need it.
void *DeviceMemory::reuse(size_t bytes) {
  const auto found = unused_.lower_bound(rounded(bytes));
  if (found == unused_.end() || found->first > rounded(bytes) + rounded(bytes) / 4) return nullptr;
  void *block = found->second;
  used_.emplace(block, found->first);
  unused_.erase(found);
  return block;
}

// Null where the limit or the device says no.
void *DeviceMemory::allocate(size_t bytes) {
  const size_t size = rounded(bytes);
  if (limit_ != 0 && (size > limit_ || held_ > limit_ - size)) return nullptr;
  void *block = nullptr;
  const cudaError_t error = cudaMalloc(&block, size);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(error, "allocating memory of the GPU");
  used_.emplace(block, size);
  held_ += size;
  return block;
}

void DeviceMemory::give_back(void *block) noexcept {
  if (block == nullptr) return;
  resting_.insert(used_.extract(block));
}

void DeviceMemory::recycle() noexcept {
  for (const auto &[block, bytes] : resting_) unused_.emplace(bytes, block);
  resting_.clear();
}

void DeviceMemory::trim() noexcept {
  for (const auto &[bytes, block] : unused_) {
    cudaFree(block);
    held_ -= bytes;
  }
  unused_.clear();
}

size_t DeviceMemory::available() const {
  size_t free_bytes = 0;
  size_t all_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &all_bytes), "asking for the GPU's free memory");
  size_t unused = 0;
  for (const auto &[bytes, block] : unused_) unused += bytes;
  if (limit_ == 0) return free_bytes + unused;
  return std::min(limit_ > held_ ? limit_ - held_ : 0, free_bytes) + unused;
}

}  // namespace ner_retriever::cuda
