#pragma once

#include <cstddef>

#include "aligned_floats.h"
#include "kernels.h"
#include "ner_retriever/blas.h"
#include "thread_team.h"

namespace ner_retriever {

// A factor of a product as it lies in memory: row-major with rows `stride` apart, or the transpose of such a matrix.
struct Factor {
  const float *data;
  size_t stride;
  bool transposed;
};

// Memory that a product packs its factors into; it grows and is used again.
class MatmulScratch {
 public:
  float *columns(size_t count) { return grow(columns_, columns_capacity_, count); }
  float *rows(size_t count) { return grow(rows_, rows_capacity_, count); }

 private:
  static float *grow(AlignedFloats &memory, size_t &capacity, size_t count) {
    if (count > capacity) {
      memory = make_aligned_floats(count);
      capacity = count;
    }
    return memory.get();
  }

  AlignedFloats columns_, rows_;
  size_t columns_capacity_ = 0, rows_capacity_ = 0;
};

// sum [rows, columns] += a [rows, depth] * b [depth, columns]. With the kernels each element is one chain of additions
// over the depth in order: the same bits whatever the number of threads. `blas`, if there is one, multiplies instead.
void matmul(const Kernels &kernels, const ner_blas *blas, MatmulScratch &scratch, ThreadTeam &team, size_t rows,
            size_t columns, size_t depth, Factor a, Factor b, float *sum);

}  // namespace ner_retriever
