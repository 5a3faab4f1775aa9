#include "silu_rows.cuh"

#include "device/tensor_core.cuh"
#include "runtime/launch.h"
#include "silu.cuh"

// Reads 4 bytes for each element and writes 2: bound by memory, and by the second-level cache where a chunk's product
// (8,192 rows * 512 * 4 bytes = 16 MiB) is still there. A thread takes 4 columns, 16 bytes; a warp 128 neighbours.

namespace ner_retriever::cuda {

namespace {

__global__ void silu_rows_kernel(const float *__restrict__ product, size_t row_count, unsigned product_stride,
                                 const float *__restrict__ bias, __nv_bfloat16 *__restrict__ out, unsigned out_stride) {
  const unsigned column = (blockIdx.y * blockDim.x + threadIdx.x) * 4;
  if (column >= out_stride) return;
  const float4 added = __ldg(reinterpret_cast<const float4 *>(bias + column));
  for (size_t row = blockIdx.x; row < row_count; row += gridDim.x) {
    const float4 of = *reinterpret_cast<const float4 *>(product + row * product_stride + column);
    *reinterpret_cast<uint2 *>(out + row * out_stride + column) =
        make_uint2(pack_bfloat16(silu(of.x + added.x), silu(of.y + added.y)),
                   pack_bfloat16(silu(of.z + added.z), silu(of.w + added.w)));
  }
}

}  // namespace

void silu_rows(cudaStream_t stream, const float *product, size_t row_count, const LinearLayer &layer, __nv_bfloat16 *out,
               size_t out_stride) {
  if (row_count == 0) return;
  constexpr unsigned threads = 128;
  constexpr size_t most_blocks = 4096;
  const auto blocks = static_cast<unsigned>(row_count < most_blocks ? row_count : most_blocks);
  const auto pieces = static_cast<unsigned>((out_stride / 4 + threads - 1) / threads);
  launch(silu_rows_kernel, dim3(blocks, pieces), dim3(threads), 0, stream, product, row_count,
         static_cast<unsigned>(layer.padded_output()), layer.bias, out, static_cast<unsigned>(out_stride));
}

}  // namespace ner_retriever::cuda
