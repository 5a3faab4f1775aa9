#pragma once

#include <cuda_runtime.h>

#include "failure.h"

namespace ner_retriever::cuda {

// A CUDA call that failed. NER_OUT_OF_MEMORY and NER_UNAVAILABLE where that is what it says, NER_FAILED otherwise.
struct CudaError : Failure {
  cudaError_t error;

  CudaError(cudaError_t what, const char *doing);
};

// Errors after which every further CUDA call of the process fails.
bool is_sticky(cudaError_t error);

// Throws CudaError where `error` is one. `doing`: "copying rows to the GPU", what the words begin with.
void check(cudaError_t error, const char *doing);

}  // namespace ner_retriever::cuda
