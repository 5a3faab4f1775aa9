#include <dlfcn.h>
#include <unistd.h>

#include <string>

#include "cuda_api.h"
#include "last_error.h"
#include "ner_retriever/cuda.h"

namespace ner_retriever {

const ner_cuda_api *load_cuda(const char *path) noexcept {
  try {
    if (access(path, F_OK) != 0) {
      fail(NER_UNAVAILABLE,
           "built without CUDA: nvcc was not there when the addon was compiled. To have it, install the CUDA toolkit (12.8 "
           "or later) and compile the addon again");
      return nullptr;
    }
    // Local: the symbols of the CUDA runtime stay out of the way of other libraries in the process.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      fail(NER_UNAVAILABLE, std::string("the CUDA library could not be loaded: ") + dlerror());
      return nullptr;
    }
    using Entry = const ner_cuda_api *(*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(library, "ner_retriever_cuda_api"));
    const ner_cuda_api *api = entry == nullptr ? nullptr : entry();
    if (api == nullptr || api->api_version != NER_CUDA_API_VERSION) {
      fail(NER_UNAVAILABLE, std::string("the CUDA library is of another version than the addon: expected interface ") +
                                std::to_string(NER_CUDA_API_VERSION) + ", got " +
                                (api == nullptr ? "none" : std::to_string(api->api_version)) +
                                ". Compile the addon again");
      return nullptr;
    }
    return api;
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

}  // namespace ner_retriever
