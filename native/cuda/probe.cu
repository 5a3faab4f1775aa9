// Compiled by CMake alone (with_nvcc.cmake), to see whether nvcc and the C++ compiler get along.
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace {

__global__ void halve(__nv_bfloat16 *value) { *value = __float2bfloat16_rn(__bfloat162float(*value) / 2); }

}  // namespace

int main() {
  std::map<std::string, std::function<void()>> calls;
  std::mutex mutex;
  calls["halve"] = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    halve<<<1, 1>>>(nullptr);
  };
  return cudaGetLastError() == cudaSuccess && calls.empty() ? 0 : 1;
}
