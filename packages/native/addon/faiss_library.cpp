#include "faiss_library.h"

#include <dlfcn.h>

#include "ner_retriever/faiss.h"

FaissLibrary find_faiss() {
  // The library lies in the addon's own folder, wherever that is.
  Dl_info addon;
  if (dladdr(reinterpret_cast<const void *>(&find_faiss), &addon) == 0 || addon.dli_fname == nullptr)
    return {nullptr, "the addon's own folder could not be found"};
  std::string path = addon.dli_fname;
  path.erase(path.find_last_of('/') + 1);
  path += "ner_retriever_faiss.so";
  const ner_faiss_api *api = ner_retriever::load_faiss(path.c_str());
  return {api, api == nullptr ? ner_last_error() : ""};
}
