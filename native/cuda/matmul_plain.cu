#include "matmul.cuh"
#include "runtime/launch.h"

// The matrix product as its definition says it: one thread for one element of the result, one product after the other.
//
// Nothing is kept near the multipliers. A warp's 32 threads have 32 neighbouring columns of one row: the row's element is one
// that all of them read, but each reads a weight of its own, `depth` apart from its neighbour's. Of every 32-byte piece of
// memory that is fetched two bytes are used at once, the rest hopefully later, from a cache. And a multiplication takes an
// instruction of its own, where a tensor core's does 2,048. On an H100 that is 2 * 67e12 / 4 of datasheet float32
// operations at the very best (a multiply-add beside two loads and two conversions) against 989e12. matmul.cu does
// better by going by tiles; this one says what it has to come to.

namespace ner_retriever::cuda {

namespace {

__global__ void matmul_plain_kernel(const __nv_bfloat16 *rows, size_t row_count, const __nv_bfloat16 *weight,
                                    const float *bias, size_t depth, size_t columns, float *out) {
  const size_t element = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (element >= row_count * columns) return;
  const __nv_bfloat16 *row = rows + element / columns * depth;
  const __nv_bfloat16 *weights = weight + element % columns * depth;
  float sum = 0.0f;
  for (size_t i = 0; i < depth; ++i) sum = fmaf(__bfloat162float(row[i]), __bfloat162float(weights[i]), sum);
  out[element] = sum + bias[element % columns];
}

}  // namespace

void matmul_plain(cudaStream_t stream, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer, float *out) {
  constexpr unsigned threads = 256;
  const size_t blocks = (row_count * layer.output + threads - 1) / threads;
  if (blocks == 0) return;
  launch(matmul_plain_kernel, dim3(static_cast<unsigned>(blocks)), dim3(threads), 0, stream, rows, row_count, layer.weight,
         layer.bias, layer.padded_input(), layer.output, out);
}

}  // namespace ner_retriever::cuda
