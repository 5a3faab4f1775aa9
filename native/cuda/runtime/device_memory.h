#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include <cuda_runtime.h>

namespace ner_retriever::cuda {

// All memory that this library holds on a device: blocks of cudaMalloc, kept when they are given back, for the next who
// asks for about as much. cudaFree and cudaMalloc stop the whole device; so in a batch nothing is freed, and the second
// batch allocates nothing.
//
// A block that is given back while work that uses it may still be queued must not be somebody else's before that is done:
// it rests until recycle(), which the Device calls when all its streams have been waited for.
class DeviceMemory {
 public:
  // `limit`: bytes that may be held; 0: all that are free. `wait`: waits for all streams of the device.
  DeviceMemory(size_t limit, std::function<void()> wait) : limit_(limit), wait_(std::move(wait)) {}
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  // At least `bytes`, at a multiple of 256; null for 0. What lies there is anything. Failure(NER_OUT_OF_MEMORY): the limit or the device.
  void *take(size_t bytes);
  void give_back(void *block) noexcept;

  void recycle() noexcept;
  // Gives all blocks that nobody uses back to the device. Nothing may be queued.
  void trim() noexcept;

  // Bytes that are held, whether somebody uses them or not.
  size_t held() const { return held_; }
  // Bytes that could still be taken, as far as one can know.
  size_t available() const;

 private:
  void *reuse(size_t bytes);
  void *allocate(size_t bytes);

  size_t limit_;
  std::function<void()> wait_;
  size_t held_ = 0;
  std::map<void *, size_t> used_;         // block -> its bytes
  std::map<void *, size_t> resting_;      // given back, and maybe still in use by what is queued
  std::multimap<size_t, void *> unused_;  // bytes -> block
};

}  // namespace ner_retriever::cuda
