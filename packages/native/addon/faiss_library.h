#pragma once

#include <string>

struct ner_faiss_api;

// FAISS, beside the addon or where NER_RETRIEVER_FAISS_LIBRARY says: its interface, or why there is none.
struct FaissLibrary {
  const ner_faiss_api *api;
  std::string reason;
};

// Opens it. Not done when the addon loads: it starts OpenBLAS's threads, which only those who ask for FAISS should pay.
FaissLibrary find_faiss();
