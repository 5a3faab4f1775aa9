#pragma once

#include <cstdint>
#include <utility>

#include "device_memory.h"
#include "failure.h"

namespace ner_retriever::cuda {

// `size` values of T on the device, from its pool. They may be given back while work on them is queued (device_memory.h).
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(DeviceMemory &memory, size_t size) : memory_(&memory), size_(size) {
    if (size > SIZE_MAX / sizeof(T)) throw Failure(NER_OUT_OF_MEMORY, "more bytes were asked for than can be counted");
    data_ = static_cast<T *>(memory.take(size * sizeof(T)));
  }
  ~DeviceBuffer() {
    if (memory_ != nullptr) memory_->give_back(data_);
  }
  DeviceBuffer(DeviceBuffer &&other) noexcept { swap(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    DeviceBuffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  DeviceBuffer(const DeviceBuffer &) = delete;
  DeviceBuffer &operator=(const DeviceBuffer &) = delete;

  T *get() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

 private:
  void swap(DeviceBuffer &other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  DeviceMemory *memory_ = nullptr;
  T *data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ner_retriever::cuda
