#pragma once

#include <cuda_runtime.h>

#include "cuda_error.h"

namespace ner_retriever::cuda {

// What a block gets of shared memory without asking.
constexpr size_t shared_bytes_without_asking = size_t{48} << 10;

// A T whose type the compiler must not guess from what is passed.
template <class T>
struct Given {
  using Type = T;
};

// Queues a kernel; `arguments` become its parameters as in any call. `shared_bytes` of dynamic shared memory. Only what the
// launch itself does wrong is known now; what the kernel does wrong is the error of a later call.
template <class... Parameters>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            typename Given<Parameters>::Type... arguments) {
  if (shared_bytes > shared_bytes_without_asking)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
          "asking for a kernel's shared memory");
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, arguments...), "starting a kernel");
}

}  // namespace ner_retriever::cuda
