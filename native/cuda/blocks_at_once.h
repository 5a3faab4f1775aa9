#pragma once

#include <algorithm>

#include "runtime/cuda_error.h"

namespace ner_retriever::cuda {

// For a kernel whose blocks go on to the next piece of work by themselves: as many blocks as the device runs at once, and
// no more than are `useful`.
template <class... Parameters>
unsigned blocks_at_once(void (*kernel)(Parameters...), int threads, size_t shared_bytes, size_t useful,
                        const cudaDeviceProp &device) {
  int of_multiprocessor = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_multiprocessor, kernel, threads, shared_bytes),
        "asking how many blocks run at once");
  const size_t all = static_cast<size_t>(std::max(of_multiprocessor, 1)) * static_cast<size_t>(device.multiProcessorCount);
  return static_cast<unsigned>(std::clamp<size_t>(useful, 1, all));
}

}  // namespace ner_retriever::cuda
