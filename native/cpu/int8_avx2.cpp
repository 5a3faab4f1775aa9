// The int8 kernels for AVX2: 16 registers of 32 bytes.

#include <immintrin.h>

#include <cstring>

#include "int8_kernels.h"
#include "kernels/int8_dots.h"
#include "kernels/int8_upper_bounds.h"

namespace {

struct Lanes {
  using Vector = __m256i;
  static constexpr size_t width = 32;

  static Vector load_row(const int8_t *from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)); }
  static Vector load_first_of_row(const int8_t *from, size_t count) {
    alignas(32) int8_t padded[width] = {};
    std::memcpy(padded, from, count);
    return load_row(padded);
  }
  static Vector load_query(const int8_t *from) { return load_row(from); }
  static Vector start(const int8_t *, size_t) { return _mm256_setzero_si256(); }
  // The instruction takes unsigned by signed bytes: the row's sign goes over to the query. Two products of at most
  // 128 * 127 fit its 16 bits.
  static Vector multiply_add(Vector row, Vector query, Vector sum) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(row), _mm256_sign_epi8(query, row));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static int32_t sum(Vector vector) {
    const __m128i four = halves(vector);
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
  }
  static void store_four_sums(int32_t *to, const Vector *vectors) {
    const __m256i ab = _mm256_hadd_epi32(vectors[0], vectors[1]);
    const __m256i cd = _mm256_hadd_epi32(vectors[2], vectors[3]);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), halves(_mm256_hadd_epi32(ab, cd)));
  }
  static __m128i halves(Vector vector) {
    return _mm_add_epi32(_mm256_castsi256_si128(vector), _mm256_extracti128_si256(vector, 1));
  }
};

}  // namespace

// 4 x 2 sums, 2 queries, a row and its magnitudes, a one.
const ner_retriever::Int8Kernels ner_retriever::avx2_int8_kernels = {int8_dots<Lanes, 4, 2>, int8_upper_bounds};
