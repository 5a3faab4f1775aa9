// The kernels for AVX2 with FMA (x86-64 from 2013 on): 16 registers of 8 lanes.

#include <immintrin.h>

#include <cstdint>

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
  using Vector = __m256;
  typedef int32_t Bits __attribute__((vector_size(32)));
  static constexpr size_t width = 8;

  static Vector broadcast(float value) { return _mm256_set1_ps(value); }
  static Vector load(const float *from) { return _mm256_loadu_ps(from); }
  // Lanes from `count` on are zero, and their memory is not touched.
  static Vector load_first(const float *from, size_t count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane));
  }
  static void store(float *to, Vector vector) { _mm256_storeu_ps(to, vector); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector square_root(Vector vector) { return _mm256_sqrt_ps(vector); }
  static __m128 halves(Vector vector) {
    return _mm_add_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps(vector, 1));
  }
  static float sum(Vector vector) {
    const __m128 four = halves(vector);
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // sum() of four vectors at once, in the same order of additions: a transposition saves half of the steps.
  static void store_four_sums(float *to, const Vector *vectors) {
    const __m128 a = halves(vectors[0]), b = halves(vectors[1]), c = halves(vectors[2]), d = halves(vectors[3]);
    const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));  // a0+a2 b0+b2 a1+a3 b1+b3
    const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    _mm_storeu_ps(to, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
  }
  static unsigned not_less_equal(Vector a, Vector b) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLE_UQ)));
  }
};

}  // namespace

// 6 x 2 sums, 2 columns and a factor; 4 x 3 pairs, 3 queries and a row; of halves
// 4 x 2 pairs, 2 x 2 of queries and 2 of a row.
const ner_retriever::Kernels ner_retriever::avx2_kernels = {
    mean_rows<Lanes>, 6, 2 * Lanes::width, matmul_tile<Lanes, 6, 2>, silu<Lanes>, normalise<Lanes>,
    score_block<Lanes, 4, 3>, 2 * Lanes::width, score_halves<Lanes, 4, 2>,
    silu_with_slopes<Lanes>, dropout_factors, adamw<Lanes>, next_above<Lanes>};
