#pragma once

#include <napi.h>

#include <string>

struct ner_cuda_api;

// The CUDA library: where NER_RETRIEVER_CUDA_LIBRARY says, else beside the addon (compiled in a clone), else in the package of
// this platform. Its interface, or why there is none.
struct CudaLibrary {
  std::string path;
  const ner_cuda_api *api;
  std::string reason;
};

// Opens it; no device is opened, and no driver is needed. Not done when the addon loads: only those who ask for CUDA should
// pay for it.
CudaLibrary find_cuda();

// What a person without a GPU, and one whose GPU fails, can tell from a fault of ours: an Error with the code
// DEVICE_UNAVAILABLE.
Napi::Error device_unavailable(Napi::Env env, const std::string &reason);
