#pragma once

#include <string>

#include "ner_retriever/blas.h"

// What is used of OpenBLAS.
struct ner_blas {
  using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a,
                         int lda, const float *b, int ldb, float beta, float *c, int ldc);
  using SetThreads = void (*)(int threads);

  Sgemm sgemm;
  // Of the whole process: we bring our own threads, and each asks for one.
  SetThreads set_threads;
  std::string version;
  bool avx512;
};
