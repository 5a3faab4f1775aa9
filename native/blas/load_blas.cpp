#include <dlfcn.h>

#include <mutex>
#include <string>

#include "blas.h"
#include "last_error.h"

namespace {

// Where systems keep it: Debian, Fedora and Alpine; Homebrew on either processor.
constexpr const char *usual_names[] = {"libopenblas.so.0", "libopenblas.so.3", "libopenblas.so", "libopenblas.dylib",
                                       "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
                                       "/usr/local/opt/openblas/lib/libopenblas.dylib"};

// Local: its symbols stay out of the way of other libraries in the process.
void *open_library(const char *path) {
  if (path != nullptr) return dlopen(path, RTLD_NOW | RTLD_LOCAL);
  for (const char *name : usual_names)
    if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

template <class Function>
Function function_of(void *library, const char *name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

// The processors that OpenBLAS has AVX-512 kernels for, by its own names.
bool has_avx512_kernels(const std::string &core) {
  return core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids" || core == "SapphireRapids";
}

const ner_blas *load(const char *path) {
  void *library = open_library(path);
  if (library == nullptr) {
    ner_retriever::fail(NER_UNAVAILABLE, std::string("OpenBLAS could not be loaded: ") + dlerror() +
                                             ". To have it, install libopenblas0 (Debian, Ubuntu)");
    return nullptr;
  }
  const auto sgemm = function_of<ner_blas::Sgemm>(library, "cblas_sgemm");
  const auto set_threads = function_of<ner_blas::SetThreads>(library, "openblas_set_num_threads");
  const auto config = function_of<char *(*)()>(library, "openblas_get_config");
  const auto core = function_of<char *(*)()>(library, "openblas_get_corename");
  if (sgemm == nullptr || set_threads == nullptr || config == nullptr || core == nullptr) {
    dlclose(library);
    ner_retriever::fail(NER_UNAVAILABLE,
                        "the library found in OpenBLAS's place is another one: it lacks cblas_sgemm or "
                        "functions of OpenBLAS's own. Install libopenblas0 (Debian, Ubuntu)");
    return nullptr;
  }
  return new ner_blas{sgemm, set_threads, config(), has_avx512_kernels(core())};
}

}  // namespace

const ner_blas *ner_blas_open(const char *path) {
  try {
    if (path != nullptr) return load(path);
    // Found once, it stays; not found, it is looked for again, and this thread has the reason.
    static const ner_blas *system_blas = nullptr;
    static std::mutex opening;
    const std::lock_guard<std::mutex> lock(opening);
    if (system_blas == nullptr) system_blas = load(nullptr);
    return system_blas;
  } catch (...) {
    ner_retriever::fail_with_current_exception();
    return nullptr;
  }
}

const char *ner_blas_version(const ner_blas *blas) { return blas->version.c_str(); }

int ner_blas_keeps_up(const ner_blas *blas, ner_instruction_set set) { return set != NER_AVX512 || blas->avx512 ? 1 : 0; }
