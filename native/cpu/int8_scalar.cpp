// The portable int8 kernels: plain loops, which the compiler makes vectors of where the platform's baseline has them.

#include "int8_kernels.h"
#include "kernels/int8_upper_bounds.h"

namespace {

void dots_block(const int8_t *rows, size_t row_count, size_t dimensions, const int8_t *queries, size_t query_count,
                size_t query_stride, int32_t *dots, size_t stride) {
  for (size_t row = 0; row < row_count; ++row) {
    const int8_t *codes = rows + row * dimensions;
    for (size_t query = 0; query < query_count; ++query) {
      const int8_t *query_codes = queries + query * query_stride;
      int32_t sum = 0;
      for (size_t i = 0; i < dimensions; ++i)
        sum += static_cast<int16_t>(codes[i]) * static_cast<int16_t>(query_codes[i]);
      dots[query * stride + row] = sum;
    }
  }
}

}  // namespace

const ner_retriever::Int8Kernels ner_retriever::scalar_int8_kernels = {dots_block, int8_upper_bounds};
