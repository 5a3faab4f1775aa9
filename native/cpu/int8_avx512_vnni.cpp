// The int8 kernels for AVX-512 with VNNI: 32 registers of 64 bytes, four products and their sum in one instruction.

#include <immintrin.h>

#include <cstring>

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
  // The instruction itself: of the intrinsic GCC 12 makes a copy of the sum at each step.
  static Vector multiply_add(Vector row, Vector query, Vector sum) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(row), "v"(query));
    return sum;
  }
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

// With many queries the sums across lanes at each tile's end would take as long as the products. So rows are brought into
// an order where each lane has a row of its own, and a query's bytes are broadcast, four at a time.
constexpr size_t lane_rows = 16;
constexpr size_t packed_vectors = 2;
constexpr size_t packed_rows = packed_vectors * lane_rows;
constexpr size_t packed_queries = 8;
constexpr size_t packed_depth = 512;  // bytes of each row: with them and the queries' the first-level cache is full

// 16 vectors of 16 groups of four bytes, transposed.
void transpose(__m512i (&v)[16]) {
  __m512i pairs[16], fours[16];
#pragma GCC unroll 8
  for (size_t i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  // fours[4 g + c]: of the vectors 4 g … 4 g + 3 the groups c, c + 4, c + 8 and c + 12.
#pragma GCC unroll 4
  for (size_t i = 0; i < 16; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
#pragma GCC unroll 4
  for (size_t c = 0; c < 4; ++c) {
    const __m512i even_low = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0x88);   // groups c and c + 8
    const __m512i odd_low = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0xDD);    // groups c + 4 and c + 12
    const __m512i even_high = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0x88);
    const __m512i odd_high = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0xDD);
    v[c] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
    v[c + 4] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    v[c + 8] = _mm512_shuffle_i32x4(even_low, even_high, 0xDD);
    v[c + 12] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
  }
}

// rows [row_count <= packed_rows], `dimensions` apart, of which `depth` bytes are read -> packed [depth / 4 rounded up to
// 16, packed_rows] groups of four bytes. The last row stands for those that are missing.
void pack(const int8_t *rows, size_t row_count, size_t dimensions, size_t depth, __m512i *packed) {
  for (size_t vector = 0; vector < packed_vectors; ++vector)
    for (size_t i = 0; i < depth; i += Lanes::width) {
      __m512i groups[lane_rows];
#pragma GCC unroll 16
      for (size_t lane = 0; lane < lane_rows; ++lane) {
        const size_t row = vector * lane_rows + lane;
        const int8_t *from = rows + (row < row_count ? row : row_count - 1) * dimensions + i;
        groups[lane] = i + Lanes::width <= depth ? Lanes::load_row(from) : Lanes::load_first_of_row(from, depth - i);
      }
      transpose(groups);
#pragma GCC unroll 16
      for (size_t group = 0; group < lane_rows; ++group) packed[(i / 4 + group) * packed_vectors + vector] = groups[group];
    }
}

// dots[q * stride + r] += the products of `depth` bytes of packed_queries queries and the `row_count` packed rows.
void packed_tile(const __m512i *packed, size_t row_count, size_t depth, const int8_t *queries, size_t query_stride,
                 int32_t *dots, size_t stride) {
  __m512i sums[packed_queries][packed_vectors];
  __mmask16 masks[packed_vectors];
#pragma GCC unroll 2
  for (size_t vector = 0; vector < packed_vectors; ++vector) {
    const size_t first = vector * lane_rows;
    const size_t there = row_count > first ? row_count - first : 0;
    masks[vector] = static_cast<__mmask16>(there < lane_rows ? (1u << there) - 1u : 0xFFFFu);
#pragma GCC unroll 8
    for (size_t query = 0; query < packed_queries; ++query)
      sums[query][vector] = _mm512_maskz_loadu_epi32(masks[vector], dots + query * stride + first);
  }
  for (size_t i = 0; i < depth; i += 4) {
    __m512i row_parts[packed_vectors];
#pragma GCC unroll 2
    for (size_t vector = 0; vector < packed_vectors; ++vector) row_parts[vector] = packed[i / 4 * packed_vectors + vector];
#pragma GCC unroll 8
    for (size_t query = 0; query < packed_queries; ++query) {
      int32_t four;
      std::memcpy(&four, queries + query * query_stride + i, sizeof four);
      const __m512i query_part = _mm512_set1_epi32(four);
#pragma GCC unroll 2
      for (size_t vector = 0; vector < packed_vectors; ++vector)
        sums[query][vector] = Lanes::multiply_add(row_parts[vector], query_part, sums[query][vector]);
    }
  }
#pragma GCC unroll 8
  for (size_t query = 0; query < packed_queries; ++query)
#pragma GCC unroll 2
    for (size_t vector = 0; vector < packed_vectors; ++vector)
      _mm512_mask_storeu_epi32(dots + query * stride + vector * lane_rows, masks[vector], sums[query][vector]);
}

// A multiple of packed_queries queries.
void packed_dots(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries, size_t query_count,
                 size_t query_stride, int32_t *dots, size_t stride) {
  for (size_t query = 0; query < query_count; ++query) {
    const int32_t start = Lanes::sum(Lanes::start(queries + query * query_stride, dimensions));
    for (size_t row = 0; row < row_count; ++row) dots[query * stride + row] = start;
  }
  __m512i packed[packed_depth / 4 * packed_vectors];
  for (size_t row = 0; row < row_count; row += packed_rows) {
    const size_t count = row_count - row < packed_rows ? row_count - row : packed_rows;
    for (size_t i = 0; i < dimensions; i += packed_depth) {
      const size_t depth = dimensions - i < packed_depth ? dimensions - i : packed_depth;
      pack(rows + row * dimensions + i, count, dimensions, depth, packed);
      for (size_t query = 0; query < query_count; query += packed_queries)
        packed_tile(packed, count, depth, queries + query * query_stride + i, query_stride, dots + query * stride + row,
                    stride);
    }
  }
}

void dots_block(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries, size_t query_count,
                size_t query_stride, int32_t *dots, size_t stride) {
  const size_t packed = query_count - query_count % packed_queries;
  if (packed > 0) packed_dots(rows, row_count, dimensions, queries, packed, query_stride, dots, stride);
  int8_dots<Lanes, 4, 4>(rows, row_count, dimensions, queries + packed * query_stride, query_count - packed,
                         query_stride, dots + packed * stride, stride);
}

}  // namespace

// Packed: 8 x 2 sums, 2 vectors of rows and a query. Otherwise 4 x 4 sums, 4 queries and a row, the sign bits.
const ner_retriever::Int8Kernels ner_retriever::avx512_vnni_int8_kernels = {dots_block, int8_upper_bounds};
