#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "controls.h"
#include "cuda_runtime.h"

// The emulated device, between the files here.

namespace cuda_emulation {

struct DeviceState {
  std::recursive_mutex lock;
  int device_count = 1;
  int driver_version = 13000;
  bool has_code = true;
  size_t memory = size_t{4} << 30;
  cuda_emulation_streams streams = CUDA_EMULATION_RANDOM;
  unsigned failing_allocation = 0;
  unsigned failing_launch = 0;
  size_t allocated = 0;
  size_t pinned = 0;
  size_t waits = 0;
  size_t launches = 0;
  size_t allocations = 0;
  // What the process cannot recover from: every call gives it from then on.
  cudaError_t sticky = cudaSuccess;
};

// The limits of a kernel: an H100's.
constexpr size_t shared_bytes_without_asking = size_t{48} << 10;
constexpr size_t shared_bytes_at_most = size_t{227} << 10;
constexpr size_t shared_bytes_of_multiprocessor = size_t{228} << 10;

DeviceState &device_state();

// Keeps the error for cudaGetLastError and gives it back.
cudaError_t give(cudaError_t error);

// What any call must be answered with: no driver, no device, an error that stays; or that all is well.
cudaError_t state_of_device();

// Whether the bytes are the device's, pinned, or neither; only of memory that cudaMalloc or cudaMallocHost gave.
bool is_device_memory(const void *memory, size_t bytes);
bool is_pinned_memory(const void *memory, size_t bytes);

// While one lives, device memory may be touched; outside, AddressSanitizer stops who does.
class DeviceMemoryAccess {
 public:
  DeviceMemoryAccess();
  ~DeviceMemoryAccess();
  DeviceMemoryAccess(const DeviceMemoryAccess &) = delete;
  DeviceMemoryAccess &operator=(const DeviceMemoryAccess &) = delete;
};

// Does everything that is queued, in every stream.
void finish_all_streams();

}  // namespace cuda_emulation
