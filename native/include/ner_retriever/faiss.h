#pragma once

#include <memory>

#include "ner_retriever/index.h"

struct ner_faiss_api;

namespace ner_retriever {

// Opens the shared library with FAISS in it, for the life of the process: the threads of OpenMP and OpenBLAS that it
// brings do not survive being unloaded. Null when it is not there, does not load (FAISS needs a BLAS and OpenMP) or is of
// another version than this library; ner_last_error() says which and what to do.
const ner_faiss_api *load_faiss(const char *path) noexcept;

// FAISS's own version: "1.7.3".
const char *faiss_version(const ner_faiss_api &api) noexcept;

// An IndexFlatIP behind the index interface. Ranks as the exact index does, with two differences that are FAISS's own:
// which of several rows with the score of the last place are within the limit, and the last bits of a score, which depend
// on how many queries are asked at once (it changes to BLAS at 20).
std::unique_ptr<Index> make_faiss_index(const ner_faiss_api &api, size_t dimensions) noexcept;

}  // namespace ner_retriever
