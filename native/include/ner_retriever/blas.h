#pragma once

#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

// OpenBLAS as this system has it, for the matrix products of training. Absent, the library's own kernels multiply.
typedef struct ner_blas ner_blas;

// Opens the shared library `path`, or the system's OpenBLAS where it is null, for the life of the process: its threads do
// not survive being unloaded. Null when it is not there or lacks a function; ner_last_error() says why and what to do.
const ner_blas *ner_blas_open(const char *path);

// OpenBLAS's own words: "OpenBLAS 0.3.21 … SkylakeX MAX_THREADS=64".
const char *ner_blas_version(const ner_blas *blas);

// 1 unless OpenBLAS multiplies with smaller vectors than `set` has: it goes by a list of processors, and takes its AVX2
// kernels on one that is newer than itself. Then the library's own kernels are faster.
int ner_blas_keeps_up(const ner_blas *blas, ner_instruction_set set);

#ifdef __cplusplus
}
#endif
