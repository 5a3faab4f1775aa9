#include <dlfcn.h>
#include <unistd.h>

#include <string>

#include "faiss_api.h"
#include "last_error.h"
#include "ner_retriever/faiss.h"

namespace ner_retriever {

const ner_faiss_api *load_faiss(const char *path) noexcept {
  try {
    if (access(path, F_OK) != 0) {
      fail(NER_UNAVAILABLE,
           "built without FAISS: it was not there when the addon was compiled. To have it, install libfaiss-dev and "
           "libopenblas-dev (Debian, Ubuntu) and compile the addon again");
      return nullptr;
    }
    // Local: FAISS's and OpenBLAS's symbols stay out of the way of other libraries in the process.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      fail(NER_UNAVAILABLE, std::string("FAISS could not be loaded: ") + dlerror() +
                                ". It needs a BLAS and OpenMP: install libopenblas0 and libgomp1 (Debian, Ubuntu)");
      return nullptr;
    }
    using Entry = const ner_faiss_api *(*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(library, "ner_retriever_faiss_api"));
    const ner_faiss_api *api = entry == nullptr ? nullptr : entry();
    if (api == nullptr || api->api_version != NER_FAISS_API_VERSION) {
      fail(NER_UNAVAILABLE, std::string("the FAISS library is of another version than the addon: expected interface ") +
                                std::to_string(NER_FAISS_API_VERSION) + ", got " +
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

const char *faiss_version(const ner_faiss_api &api) noexcept { return api.faiss_version; }

}  // namespace ner_retriever
