#pragma once

#include <cstddef>
#include <cstdint>

#include "int8_bound.h"
#include "ner_retriever/instruction_set.h"

namespace ner_retriever {

// Bytes that a quantised query is padded to with zeros: the widest vector.
constexpr size_t int8_query_padding = 64;

// What the int8 scan needs of an instruction set, as kernels.h has it for float32.
struct Int8Kernels {
  // dots[q * stride + r] = rows[r] · queries[q], exactly. Queries lie `query_stride` bytes apart, a multiple of
  // int8_query_padding, zero from `dimensions` on.
  void (*dots)(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries, size_t query_count,
               size_t query_stride, int32_t *dots, size_t stride);

  // What the float32 score of each of `count` rows cannot exceed, for one query (NaN where nothing is known).
  void (*upper_bounds)(const int32_t *dots, const float *scales, const float *errors, size_t count, Int8Bound bound,
                       float *uppers);
};

extern const Int8Kernels scalar_int8_kernels;
extern const Int8Kernels avx2_int8_kernels;
extern const Int8Kernels avx512_vnni_int8_kernels;

// For a set that is available. NER_AVX512 without VNNI (before 2019) has the AVX2 kernels.
const Int8Kernels &int8_kernels_for(ner_instruction_set set) noexcept;

}  // namespace ner_retriever
