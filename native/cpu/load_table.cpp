#include "load_table.h"

#include <dlfcn.h>
#include <unistd.h>

#include "last_error.h"

namespace ner_retriever {

const void *load_table(const char *path, const TableLibrary &library) noexcept {
  try {
    if (access(path, F_OK) != 0) {
      fail(NER_UNAVAILABLE, library.absent);
      return nullptr;
    }
    void *opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
      fail(NER_UNAVAILABLE, library.unloaded + dlerror() + library.remedy);
      return nullptr;
    }
    using Entry = const void *(*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(opened, library.entry));
    const void *table = entry == nullptr ? nullptr : entry();
    const auto *version = static_cast<const uint32_t *>(table);
    if (version == nullptr || *version != library.api_version) {
      fail(NER_UNAVAILABLE, library.name + " is of another version than the addon: expected interface " +
                                std::to_string(library.api_version) + ", got " +
                                (version == nullptr ? "none" : std::to_string(*version)) + ". Compile the addon again");
      return nullptr;
    }
    return table;
  } catch (...) {
    fail_with_current_exception();
    return nullptr;
  }
}

}  // namespace ner_retriever
