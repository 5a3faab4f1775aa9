#pragma once

#include <cuda_runtime.h>

namespace ner_retriever::cuda {

// The shared memory that a launch asked for (launch.h: shared_bytes), at a multiple of 128 bytes. Anything may lie there.
template <class T>
__device__ inline T *dynamic_shared() {
#if defined(NER_RETRIEVER_CUDA_EMULATION)
  return static_cast<T *>(cuda_emulation::dynamic_shared_memory());
#else
  extern __shared__ __align__(128) unsigned char dynamic_shared_bytes[];
  return reinterpret_cast<T *>(dynamic_shared_bytes);
#endif
}

}  // namespace ner_retriever::cuda
