#pragma once

#include <string>

// Whether `factory` is one of the indexes that this library makes, searches and reads back: a Flat, SQ, PQ, HNSW or IVF
// index, behind rotations, before a refinement. FAISS knows more of them, but some end the process over a number that
// cannot be, and some leave the inner product (HNSW…,PQ… measures by L2; PCA subtracts the mean).
bool known_factory_string(const std::string &factory);
