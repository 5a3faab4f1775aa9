#pragma once

#include <mutex>

#include "blas.h"
#include "cuda_api.h"
#include "device_buffer.h"
#include "device_memory.h"
#include "staging.h"
#include "stream.h"

namespace ner_retriever::cuda {

// One GPU: its streams, its memory, its staging buffers. Whoever uses any of them does so within run().
class Device {
 public:
  // Failure(NER_UNAVAILABLE), with the reason and what to do: no driver, one that is too old, no device.
  static int count();

  Device(int number, const ner_cuda_device_options &options);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  // Does `work` when no other thread works here, and waits until all that it queued is done, also where it throws: nothing
  // that the caller owns is used any more, and what it gave back can be handed out again. Not within another run().
  template <class Work>
  void run(const Work &work) {
    const std::lock_guard<std::mutex> lock(mutex_);
    check(cudaSetDevice(number_), "choosing the GPU");
    const Finish finish{*this};
    work();
    synchronize();
  }

  // Deletes what has memory here, and gives that memory back to the GPU. Also where the GPU works no more.
  template <class Object>
  void destroy(Object *object) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    cudaSetDevice(number_);
    {
      const Finish finish{*this};
      delete object;
    }
    memory_.trim();
  }

  // Most work is queued here.
  cudaStream_t stream() const { return work_; }
  // For what goes up, or comes down, beside it; the two are ordered by events only.
  cudaStream_t copy_stream() const { return copy_; }
  DeviceMemory &memory() { return memory_; }
  Staging &staging() { return staging_; }
  Blas &blas() { return blas_; }
  const cudaDeviceProp &properties() const { return properties_; }
  int number() const { return number_; }

  // The host waits for both streams.
  void synchronize() const;

  ner_cuda_device_description describe() const;

 private:
  // At the end of run().
  struct Finish {
    Device &device;
    ~Finish();
  };

  int number_;
  cudaDeviceProp properties_;
  Stream work_;
  Stream copy_;
  Staging staging_;
  DeviceMemory memory_;
  Blas blas_;
  std::mutex mutex_;
};

}  // namespace ner_retriever::cuda
