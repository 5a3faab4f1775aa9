#include "faiss_library.h"

#include <cstdlib>

#include "beside_addon.h"
#include "ner_retriever/faiss.h"

FaissLibrary find_faiss() {
  const char *name = std::getenv("NER_RETRIEVER_FAISS_LIBRARY");
  const std::string path = name != nullptr && *name != '\0' ? name : beside_addon("ner_retriever_faiss.so");
  const ner_faiss_api *api = ner_retriever::load_faiss(path.c_str());
  return {api, api == nullptr ? ner_last_error() : ""};
}
