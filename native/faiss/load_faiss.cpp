#include "faiss_api.h"
#include "last_error.h"
#include "load_table.h"
#include "ner_retriever/faiss.h"

namespace ner_retriever {

const ner_faiss_api *load_faiss(const char *path) noexcept {
  try {
    return static_cast<const ner_faiss_api *>(load_table(
        path,
        {"ner_retriever_faiss_api", NER_FAISS_API_VERSION, "the FAISS library",
         "built without FAISS: it was not there when the addon was compiled. To have it, install libfaiss-dev and "
         "libopenblas-dev (Debian, Ubuntu) and compile the addon again",
         "FAISS could not be loaded: ",
         ". It needs a BLAS and OpenMP: install libopenblas0 and libgomp1 (Debian, Ubuntu)"}));
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

const char *faiss_version(const ner_faiss_api &api) noexcept { return api.faiss_version; }

}  // namespace ner_retriever
