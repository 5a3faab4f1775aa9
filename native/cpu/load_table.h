#pragma once

#include <cstdint>
#include <string>

namespace ner_retriever {

// A shared library of ours that gives a table of functions, whose first field is the version of the interface.
struct TableLibrary {
  const char *entry;     // the exported function that gives the table
  uint32_t api_version;  // what this build takes
  std::string name;      // "the CUDA library", what the words of a failure begin with
  std::string absent;    // what is said where the file is not there
  std::string unloaded;  // what comes before and behind the system's words where it does not load
  std::string remedy;
};

// Opens it for the life of the process, its symbols out of the way of other libraries. Null on failure; ner_last_error()
// says why.
const void *load_table(const char *path, const TableLibrary &library) noexcept;

}  // namespace ner_retriever
