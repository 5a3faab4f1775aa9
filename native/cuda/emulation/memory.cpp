#include "memory.h"

#include <cstdlib>
#include <cstring>

#include "device_state.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace cuda_emulation {

namespace {

struct Allocation {
  size_t bytes;
  size_t used;  // that may be touched
};

using Allocations = std::map<const char *, Allocation>;

Allocations &device_allocations() {
  static auto *all = new Allocations;
  return *all;
}

Allocations &pinned_allocations() {
  static auto *all = new Allocations;
  return *all;
}

bool lies_within(const Allocations &all, const void *memory, size_t bytes) {
  const auto *begin = static_cast<const char *>(memory);
  auto after = all.upper_bound(begin);
  if (after == all.begin()) return false;
  --after;
  return begin + bytes <= after->first + after->second.used && (bytes > 0 || begin < after->first + after->second.bytes);
}

// As cudaMalloc: at multiples of 256 bytes. Of the very size, so that AddressSanitizer sees who goes beyond it; full of what is
// NaN as a float and -1 as an integer, so that nobody takes it for zeros.
void *allocate(size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 256, bytes) != 0) return nullptr;
  std::memset(memory, 0xff, bytes);
  return memory;
}

int accesses = 0;

void forbid(const char *memory, const Allocation &allocation) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(memory, allocation.bytes);
#else
  (void)memory;
  (void)allocation;
#endif
}

void allow(const char *memory, size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#else
  (void)memory;
  (void)bytes;
#endif
}

}  // namespace

bool is_device_memory(const void *memory, size_t bytes) { return lies_within(device_allocations(), memory, bytes); }
bool is_pinned_memory(const void *memory, size_t bytes) { return lies_within(pinned_allocations(), memory, bytes); }

DeviceMemoryAccess::DeviceMemoryAccess() {
  if (accesses++ == 0)
    for (const auto &[memory, allocation] : device_allocations()) allow(memory, allocation.used);
}

DeviceMemoryAccess::~DeviceMemoryAccess() {
  if (--accesses == 0)
    for (const auto &[memory, allocation] : device_allocations()) forbid(memory, allocation);
}

void hand_out(void *block, size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  Allocation &allocation = device_allocations().at(static_cast<const char *>(block));
  allocation.used = allocation.bytes;
  {
    const DeviceMemoryAccess access;
    std::memset(block, 0xff, allocation.bytes);
  }
  allocation.used = bytes;
}

}  // namespace cuda_emulation

using namespace cuda_emulation;

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *all_bytes) {
  DeviceState &device = device_state();
  const std::lock_guard<std::recursive_mutex> lock(device.lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  *all_bytes = device.memory;
  *free_bytes = device.memory > device.allocated ? device.memory - device.allocated : 0;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  DeviceState &device = device_state();
  const std::lock_guard<std::recursive_mutex> lock(device.lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (device.failing_allocation > 0 && --device.failing_allocation == 0) return give(cudaErrorMemoryAllocation);
  if (device.allocated > device.memory || bytes > device.memory - device.allocated) return give(cudaErrorMemoryAllocation);
  void *made = allocate(bytes);
  if (made == nullptr) return give(cudaErrorMemoryAllocation);
  const Allocation allocation{bytes, bytes};
  if (accesses == 0) forbid(static_cast<const char *>(made), allocation);
  device_allocations().emplace(static_cast<const char *>(made), allocation);
  device.allocated += bytes;
  ++device.allocations;
  *memory = made;
  return cudaSuccess;
}

cudaError_t cudaFree(void *memory) {
  DeviceState &device = device_state();
  const std::lock_guard<std::recursive_mutex> lock(device.lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (memory == nullptr) return cudaSuccess;
  const auto found = device_allocations().find(static_cast<const char *>(memory));
  if (found == device_allocations().end()) return give(cudaErrorInvalidValue);
  finish_all_streams();  // as the real one does
  ++device.waits;
  device.allocated -= found->second.bytes;
  allow(found->first, found->second.bytes);
  device_allocations().erase(found);
  std::free(memory);
  return give(device.sticky);
}

cudaError_t cudaMallocHost(void **memory, size_t bytes, unsigned) {
  DeviceState &device = device_state();
  const std::lock_guard<std::recursive_mutex> lock(device.lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (device.failing_allocation > 0 && --device.failing_allocation == 0) return give(cudaErrorMemoryAllocation);
  void *made = allocate(bytes);
  if (made == nullptr) return give(cudaErrorMemoryAllocation);
  pinned_allocations().emplace(static_cast<const char *>(made), Allocation{bytes, bytes});
  device.pinned += bytes;
  *memory = made;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory) {
  DeviceState &device = device_state();
  const std::lock_guard<std::recursive_mutex> lock(device.lock);
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error);
  if (memory == nullptr) return cudaSuccess;
  const auto found = pinned_allocations().find(static_cast<const char *>(memory));
  if (found == pinned_allocations().end()) return give(cudaErrorInvalidValue);
  finish_all_streams();
  device.pinned -= found->second.bytes;
  pinned_allocations().erase(found);
  std::free(memory);
  return give(device.sticky);
}
