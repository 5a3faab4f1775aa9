#pragma once

struct ner_cuda_api;

namespace ner_retriever {

// Opens the shared library with the CUDA backend in it, for the life of the process. It brings the CUDA runtime along and
// asks for the driver only when a device is counted or opened, so it loads on any machine. Null when it is not there, does not
// load or is of another version than this library; ner_last_error() says which and what to do.
const ner_cuda_api *load_cuda(const char *path) noexcept;

}  // namespace ner_retriever
