#pragma once

#include <cstdio>
#include <vector>

#include "harness.h"
#include "runtime/device.h"

#if defined(NER_RETRIEVER_CUDA_EMULATION)
#include "controls.h"
#endif

// What the programs share that call kernels themselves: a device, and ways there and back. They run on the emulation, and on
// a GPU where there is one.

namespace ner_retriever::cuda {

inline Device &device() {
  static auto *opened = new Device(0, ner_cuda_device_options{0, size_t{1} << 16, ""});
  return *opened;
}

template <class T>
DeviceBuffer<T> on_device(const std::vector<T> &values) {
  DeviceBuffer<T> buffer(device().memory(), values.size());
  device().staging().upload(values.data(), buffer.bytes(), buffer.get(), device().stream());
  return buffer;
}

template <class T>
std::vector<T> on_host(const DeviceBuffer<T> &buffer) {
  std::vector<T> values(buffer.size());
  device().staging().download(buffer.get(), buffer.bytes(), values.data(), device().stream());
  return values;
}

// 77, which ctest takes for skipped, where there is no GPU.
inline int run_all_on_a_device() {
  try {
    Device::count();
  } catch (const Failure &failure) {
    std::printf("skipped: %s\n", failure.what());
    return 77;
  }
#if defined(NER_RETRIEVER_CUDA_EMULATION)
  cuda_emulation_controls()->seed(static_cast<uint32_t>(generator()()));
#endif
  return run_all();
}

}  // namespace ner_retriever::cuda
