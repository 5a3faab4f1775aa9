// The int8 kernels for AVX-512 with VNNI: 32 registers of 64 bytes, four products and their sum in one instruction.

#include <immintrin.h>

#include "int8_kernels.h"
#include "kernels/int8_dots.h"
#include "kernels/int8_upper_bounds.h"

namespace {

struct Lanes {
  using Vector = __m512i;
  static constexpr size_t width = 64;

  // The instruction takes unsigned by signed bytes: rows are read as code + 128 (a flip of the sign bit), and the sums
  // begin with what that adds, 128 times the query's bytes, subtracted.
  static Vector load_row(const int8_t *from) { return _mm512_xor_si512(_mm512_loadu_si512(from), all_128()); }
  static Vector load_first_of_row(const int8_t *from, size_t count) {
    const auto mask = static_cast<__mmask64>((uint64_t{1} << count) - 1);
    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, from), all_128());
  }
  static Vector load_query(const int8_t *from) { return _mm512_loadu_si512(from); }
  static Vector start(const int8_t *query, size_t dimensions) {
    __m512i added = _mm512_setzero_si512();
    for (size_t i = 0; i < dimensions; i += width) added = multiply_add(all_128(), load_query(query + i), added);
    return _mm512_sub_epi32(_mm512_setzero_si512(), added);
  }
  static Vector multiply_add(Vector row, Vector query, Vector sum) { return _mm512_dpbusd_epi32(sum, row, query); }
  static int32_t sum(Vector vector) { return _mm512_reduce_add_epi32(vector); }
  static void store_four_sums(int32_t *to, const Vector *vectors) {
    const __m512i a = vectors[0], b = vectors[1], c = vectors[2], d = vectors[3];
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));  // a b a b
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    const __m512i four = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));  // a b c d
    const __m256i two = _mm256_add_epi32(_mm512_castsi512_si256(four), _mm512_extracti64x4_epi64(four, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to),
                     _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1)));
  }
  static Vector all_128() { return _mm512_set1_epi8(static_cast<char>(-128)); }
};

}  // namespace

// 4 x 4 sums, 4 queries and a row, the sign bits: 64 queries divide evenly, and 16 sums keep the multipliers busy.
const ner_retriever::Int8Kernels ner_retriever::avx512_vnni_int8_kernels = {int8_dots<Lanes, 4, 4>, int8_upper_bounds};
