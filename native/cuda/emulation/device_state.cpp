#include "device_state.h"

#include <algorithm>
#include <cstdlib>
#include <cstdio>

namespace cuda_emulation {

namespace {

thread_local cudaError_t last_error = cudaSuccess;

std::map<const void *, int> &shared_bytes_asked_for() {
  static auto *all = new std::map<const void *, int>;
  return *all;
}

cuda_emulation_streams streams_of_environment() {
  const char *given = std::getenv("NER_RETRIEVER_EMULATED_STREAMS");
  if (given == nullptr) return CUDA_EMULATION_RANDOM;
  if (std::strcmp(given, "lazy") == 0) return CUDA_EMULATION_LAZY;
  if (std::strcmp(given, "eager") == 0) return CUDA_EMULATION_EAGER;
  return CUDA_EMULATION_RANDOM;
}

// For programs that cannot reach the controls (Node's addon in its tests).
void take_environment(DeviceState &device) {
  device.streams = streams_of_environment();
  if (const char *count = std::getenv("NER_RETRIEVER_EMULATED_DEVICES")) device.device_count = std::atoi(count);
  if (const char *version = std::getenv("NER_RETRIEVER_EMULATED_DRIVER")) device.driver_version = std::atoi(version);
  if (const char *memory = std::getenv("NER_RETRIEVER_EMULATED_MEMORY")) device.memory = std::strtoull(memory, nullptr, 10);
}

}  // namespace

DeviceState &device_state() {
  static DeviceState *state = [] {
    auto *made = new DeviceState;
    take_environment(*made);
    return made;
  }();
  return *state;
}

cudaError_t give(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t state_of_device() {
  const DeviceState &device = device_state();
  int runtime = 0;
  cudaRuntimeGetVersion(&runtime);
  if (device.driver_version < runtime / 1000 * 1000) return cudaErrorInsufficientDriver;
  if (device.device_count == 0) return cudaErrorNoDevice;
  return device.sticky;
}

}  // namespace cuda_emulation

using namespace cuda_emulation;

cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  return device_state().sticky != cudaSuccess ? device_state().sticky : last_error;
}

const char *cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorNoKernelImageForDevice: return "cudaErrorNoKernelImageForDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    default: return "cudaErrorUnknown";
  }
}

const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice: return "no kernel image is available for execution on the device";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    default: return "unknown error";
  }
}

cudaError_t cudaGetDeviceCount(int *count) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  *count = 0;
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  *count = device_state().device_count;
  return cudaSuccess;
}

namespace {
thread_local int current_device = 0;
}

cudaError_t cudaSetDevice(int device) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (device < 0 || device >= device_state().device_count) return give(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (device < 0 || device >= device_state().device_count) return give(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "emulated GPU");
  properties->totalGlobalMem = device_state().memory;
  properties->sharedMemPerBlock = shared_bytes_without_asking;
  properties->sharedMemPerBlockOptin = shared_bytes_at_most;
  properties->sharedMemPerMultiprocessor = shared_bytes_of_multiprocessor;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = 3;  // few: what is spread over them is still spread, and soon done
  properties->l2CacheSize = 1 << 20;
  properties->asyncEngineCount = 2;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = device_state().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<size_t>(value) > shared_bytes_at_most) return give(cudaErrorInvalidValue);
  shared_bytes_asked_for()[kernel] = value;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (!device_state().has_code) return give(cudaErrorNoKernelImageForDevice);
  const auto asked = shared_bytes_asked_for().find(kernel);
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  attributes->binaryVersion = 90;
  attributes->ptxVersion = 90;
  attributes->maxDynamicSharedSizeBytes =
      asked == shared_bytes_asked_for().end() ? static_cast<int>(shared_bytes_without_asking) : asked->second;
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *, int threads, size_t shared_bytes) {
  const size_t by_shared = shared_bytes == 0 ? 32 : shared_bytes_of_multiprocessor / (shared_bytes + 1024);
  *blocks = static_cast<int>(std::min({size_t{32}, by_shared, size_t{2048} / static_cast<size_t>(threads)}));
  return cudaSuccess;
}

namespace {

constexpr cuda_emulation_controls_table controls = {
    /* reset */ [] {
      DeviceState &device = device_state();
      const std::lock_guard<std::recursive_mutex> lock(device.lock);
      finish_all_streams();
      device.device_count = 1;
      device.driver_version = CUDART_VERSION;
      device.has_code = true;
      device.memory = size_t{4} << 30;
      device.streams = CUDA_EMULATION_RANDOM;
      device.failing_allocation = 0;
      device.failing_launch = 0;
      device.sticky = cudaSuccess;
      take_environment(device);
      last_error = cudaSuccess;
    },
    /* seed */ seed_chance,
    /* set_streams */ [](cuda_emulation_streams streams) { device_state().streams = streams; },
    /* set_device_count */ [](int count) { device_state().device_count = count; },
    /* set_driver_version */ [](int version) { device_state().driver_version = version; },
    /* set_has_code */ [](int has_code) { device_state().has_code = has_code != 0; },
    /* set_memory */ [](size_t bytes) { device_state().memory = bytes; },
    /* fail_allocation */ [](unsigned nth) { device_state().failing_allocation = nth; },
    /* fail_launch */ [](unsigned nth) { device_state().failing_launch = nth; },
    /* allocated */ [] { return device_state().allocated; },
    /* pinned */ [] { return device_state().pinned; },
    /* waits */ [] { return device_state().waits; },
    /* launches */ [] { return device_state().launches; },
    /* allocations */ [] { return device_state().allocations; },
};

}  // namespace

__attribute__((visibility("default"))) const cuda_emulation_controls_table *cuda_emulation_controls(void) { return &controls; }
