#include "cuda_api.h"
#include "last_error.h"
#include "load_table.h"
#include "ner_retriever/cuda.h"

namespace ner_retriever {

const ner_cuda_api *load_cuda(const char *path) noexcept {
  try {
    return static_cast<const ner_cuda_api *>(load_table(
        path,
        {"ner_retriever_cuda_api", NER_CUDA_API_VERSION, "the CUDA library",
         "built without CUDA: nvcc was not there when the addon was compiled. To have it, install the CUDA toolkit (12.8 "
         "or later) and compile the addon again",
         "the CUDA library could not be loaded: ", ""}));
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

}  // namespace ner_retriever
