#include "devices.h"

#include <cuda_runtime.h>

#include <string>

#include "failure.h"

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

size_t free_device_memory(int device) {
  int before = 0;
  size_t free = 0, total = 0;
  cudaError_t status = cudaGetDevice(&before);
  if (status == cudaSuccess) status = cudaSetDevice(device);
  if (status == cudaSuccess) status = cudaMemGetInfo(&free, &total);
  cudaSetDevice(before);
  if (status == cudaSuccess) return free;
  throw Failure(NER_UNAVAILABLE,
                "GPU " + std::to_string(device) + " could not be asked for its memory: " + cudaGetErrorString(status));
}
