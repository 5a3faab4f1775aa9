// The portable kernels: the compiler's own 16-byte vectors, which are SSE2 on any x86-64, NEON on aarch64, and plain
// scalar code where a platform has neither. No intrinsics, no flags beyond the baseline.

#include <cstdint>
#include <cstring>

#include "kernels.h"
#include "kernels/adamw.h"
#include "kernels/dropout_factors.h"
#include "kernels/matmul_tile.h"
#include "kernels/mean_rows.h"
#include "kernels/next_above.h"
#include "kernels/normalise.h"
#include "kernels/score_block.h"
#include "kernels/score_halves.h"
#include "kernels/silu.h"
#include "kernels/silu_with_slopes.h"

namespace {

struct Lanes {
  typedef float Vector __attribute__((vector_size(16)));
  typedef int32_t Bits __attribute__((vector_size(16)));
  static constexpr size_t width = 4;

  static Vector broadcast(float value) { return Vector{value, value, value, value}; }
  static Vector load(const float *from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }
  static Vector load_first(const float *from, size_t count) {
    Vector vector = {};
    for (size_t i = 0; i < count; ++i) vector[i] = from[i];
    return vector;
  }
  static void store(float *to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return a * b + c; }
  static Vector square_root(Vector vector) {
    for (size_t i = 0; i < width; ++i) vector[i] = __builtin_sqrtf(vector[i]);
    return vector;
  }
  static float sum(Vector vector) { return (vector[0] + vector[2]) + (vector[1] + vector[3]); }
  static void store_four_sums(float *to, const Vector *vectors) {
    for (size_t i = 0; i < 4; ++i) to[i] = sum(vectors[i]);
  }
  static unsigned not_less_equal(Vector a, Vector b) {
    const Bits is = a <= b;
    return (is[0] ? 0u : 1u) | (is[1] ? 0u : 2u) | (is[2] ? 0u : 4u) | (is[3] ? 0u : 8u);
  }
};

}  // namespace

// 16 registers of 4 lanes: 4 x 2 sums, 2 columns and a factor; 4 x 2 pairs of rows and queries.
const ner_retriever::Kernels ner_retriever::scalar_kernels = {
    mean_rows<Lanes>, 4, 2 * Lanes::width, matmul_tile<Lanes, 4, 2>, silu<Lanes>, normalise<Lanes>,
    score_block<Lanes, 4, 2>, 2 * Lanes::width, score_halves<Lanes, 4, 2>,
    silu_with_slopes<Lanes>, dropout_factors, adamw<Lanes>, next_above<Lanes>};
