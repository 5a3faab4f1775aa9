#include "faiss_library.h"

#include "beside_addon.h"
#include "ner_retriever/faiss.h"

FaissLibrary find_faiss() {
  const ner_faiss_api *api = ner_retriever::load_faiss(beside_addon("ner_retriever_faiss.so").c_str());
  return {api, api == nullptr ? ner_last_error() : ""};
}
