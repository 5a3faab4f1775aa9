// The kernels for AVX-512 (F, BW, DQ, VL): 32 registers of 16 lanes.

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
  using Vector = __m512;
  typedef int32_t Bits __attribute__((vector_size(64)));
  static constexpr size_t width = 16;

  static Vector broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector load(const float *from) { return _mm512_loadu_ps(from); }
  // Lanes from `count` on are zero, and their memory is not touched.
  static Vector load_first(const float *from, size_t count) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), from);
  }
  static void store(float *to, Vector vector) { _mm512_storeu_ps(to, vector); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector square_root(Vector vector) { return _mm512_sqrt_ps(vector); }
  static float sum(Vector vector) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(vector), _mm512_extractf32x8_ps(vector, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // sum() of four vectors at once, in the same order of additions: shuffling whole quarters saves half of the steps.
  static void store_four_sums(float *to, const Vector *vectors) {
    const __m512 a = vectors[0], b = vectors[1], c = vectors[2], d = vectors[3];
    // Quarters (four lanes) 0+2 and 1+3 of a, then of b; the same of c and d.
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
    // One quarter for each of a, b, c, d.
    const __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
    const __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4E));
    const __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xB1));
    // Not straight to memory: some machines take a hundred cycles for that.
    _mm_storeu_ps(to, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, one)));
  }
  static unsigned not_less_equal(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ); }
};

}  // namespace

// 12 x 2 sums, 2 columns and a factor; 4 x 6 pairs, 6 queries and a row; of halves
// 8 x 3 pairs, 3 x 2 of queries and 2 of a row.
const ner_retriever::Kernels ner_retriever::avx512_kernels = {
    mean_rows<Lanes>, 12, 2 * Lanes::width, matmul_tile<Lanes, 12, 2>, silu<Lanes>, normalise<Lanes>,
    score_block<Lanes, 4, 6>, 2 * Lanes::width, score_halves<Lanes, 8, 3>,
    silu_with_slopes<Lanes>, dropout_factors, adamw<Lanes>, next_above<Lanes>};
