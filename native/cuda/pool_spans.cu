#include "pool_spans.cuh"

#include "device/tensor_core.cuh"
#include "runtime/launch.h"

// Span pooling: each vector is a token row, two of them side by side, or the mean of some.
//
// Nothing is computed to speak of: it is bound by memory. Of 1 M spans of 1,024 dimensions, 4 KiB of each are read (last,
// first; twice that for first + last; as many rows as the span has for the mean) and 4 written in float32, or 2 in
// bfloat16, for a projection: 8.2e9 or 6.1e9 bytes, 2.7 or 2.0 ms at 3.0 TB/s. Rounding here saves the projection a pass of
// 6 more bytes for each element.
//
// A warp has a span, a lane 4 columns at a time: 16-byte loads, 512 bytes a warp, side by side. 64 warps of a multiprocessor
// with one such load each have 32 KiB under way; 3.0 TB/s * 0.7 microseconds / 132 multiprocessors are 16.
//
// The mean goes down its rows in order and divides once, as the CPU does: the same bits there, whatever the batch.

namespace ner_retriever::cuda {

namespace {

constexpr unsigned warps_of_block = 8;

// Which rows make a vector; round_rows has them without spans.
enum class Source { last, first, mean, first_last, each_row };

// Columns column .. column + 3 of a row; zero beyond `dimensions`. aligned: dimensions % 4 == 0.
template <bool aligned>
__device__ float4 load_four(const float *__restrict__ row, unsigned column, unsigned dimensions) {
  if constexpr (aligned) {
    return column < dimensions ? __ldg(reinterpret_cast<const float4 *>(row + column)) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  } else {
    return make_float4(column < dimensions ? row[column] : 0.0f, column + 1 < dimensions ? row[column + 1] : 0.0f,
                       column + 2 < dimensions ? row[column + 2] : 0.0f, column + 3 < dimensions ? row[column + 3] : 0.0f);
  }
}

// Column `column` of [first | last].
__device__ inline float of_two(const float *__restrict__ first, const float *__restrict__ last, unsigned column,
                               unsigned dimensions) {
  if (column < dimensions) return first[column];
  return column < 2 * dimensions ? last[column - dimensions] : 0.0f;
}

template <Source source, bool aligned>
__device__ float4 pool_four(const float *__restrict__ rows, int2 span, unsigned column, unsigned dimensions) {
  const float *first = rows + static_cast<size_t>(span.x) * dimensions;
  const float *last = rows + static_cast<size_t>(span.y - 1) * dimensions;
  if constexpr (source == Source::last) {
    return load_four<aligned>(last, column, dimensions);
  } else if constexpr (source == Source::mean) {
    float4 sum = load_four<aligned>(first, column, dimensions);
    const int count = span.y - span.x;
#pragma unroll 4
    for (int i = 1; i < count; ++i) {
      const float4 next = load_four<aligned>(first + static_cast<size_t>(i) * dimensions, column, dimensions);
      sum = make_float4(sum.x + next.x, sum.y + next.y, sum.z + next.z, sum.w + next.w);
    }
    const float divisor = static_cast<float>(count);
    return make_float4(sum.x / divisor, sum.y / divisor, sum.z / divisor, sum.w / divisor);
  } else if constexpr (source == Source::first_last) {
    if constexpr (aligned) {
      return column < dimensions ? load_four<true>(first, column, dimensions)
                                 : load_four<true>(last, column - dimensions, dimensions);
    } else {
      return make_float4(of_two(first, last, column, dimensions), of_two(first, last, column + 1, dimensions),
                         of_two(first, last, column + 2, dimensions), of_two(first, last, column + 3, dimensions));
    }
  } else {
    return load_four<aligned>(first, column, dimensions);
  }
}

template <bool aligned>
__device__ void store_four(float *__restrict__ row, unsigned column, unsigned stride, float4 values) {
  if constexpr (aligned) {
    *reinterpret_cast<float4 *>(row + column) = values;
  } else {
    row[column] = values.x;
    if (column + 1 < stride) row[column + 1] = values.y;
    if (column + 2 < stride) row[column + 2] = values.z;
    if (column + 3 < stride) row[column + 3] = values.w;
  }
}

// stride % 4 == 0, whatever the dimensions.
template <bool aligned>
__device__ void store_four(__nv_bfloat16 *__restrict__ row, unsigned column, unsigned, float4 values) {
  *reinterpret_cast<uint2 *>(row + column) =
      make_uint2(pack_bfloat16(values.x, values.y), pack_bfloat16(values.z, values.w));
}

template <Source source, bool aligned, class Value>
__global__ void pool_spans_kernel(const float *__restrict__ rows, unsigned dimensions, const int2 *__restrict__ spans,
                                  size_t span_count, Value *__restrict__ out, unsigned stride) {
  const size_t span = static_cast<size_t>(blockIdx.x) * warps_of_block + threadIdx.x / 32;
  if (span >= span_count) return;
  int2 range;
  if constexpr (source == Source::each_row)
    range = make_int2(static_cast<int>(span), static_cast<int>(span) + 1);
  else
    range = __ldg(spans + span);
  Value *to = out + span * stride;
#pragma unroll 4
  for (unsigned column = threadIdx.x % 32 * 4; column < stride; column += 128)
    store_four<aligned>(to, column, stride, pool_four<source, aligned>(rows, range, column, dimensions));
}

template <Source source, class Value>
void launch_pool(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                 Value *out, size_t stride) {
  if (span_count == 0) return;
  launch(dimensions % 4 == 0 ? pool_spans_kernel<source, true, Value> : pool_spans_kernel<source, false, Value>,
         dim3(static_cast<unsigned>((span_count + warps_of_block - 1) / warps_of_block)), dim3(32 * warps_of_block), 0, stream,
         rows, static_cast<unsigned>(dimensions), spans, span_count, out, static_cast<unsigned>(stride));
}

template <class Value>
void choose_pool(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                 ner_pooling pooling, Value *out, size_t stride) {
  switch (pooling) {
    case NER_POOL_LAST:
      return launch_pool<Source::last>(stream, rows, dimensions, spans, span_count, out, stride);
    case NER_POOL_FIRST:
      return launch_pool<Source::first>(stream, rows, dimensions, spans, span_count, out, stride);
    case NER_POOL_MEAN:
      return launch_pool<Source::mean>(stream, rows, dimensions, spans, span_count, out, stride);
    case NER_POOL_FIRST_LAST:
      return launch_pool<Source::first_last>(stream, rows, dimensions, spans, span_count, out, stride);
  }
}

}  // namespace

void pool_spans(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                ner_pooling pooling, float *out) {
  choose_pool(stream, rows, dimensions, spans, span_count, pooling, out, pooled_columns(pooling, dimensions));
}

void pool_spans(cudaStream_t stream, const float *rows, size_t dimensions, const int2 *spans, size_t span_count,
                ner_pooling pooling, __nv_bfloat16 *out, size_t out_stride) {
  choose_pool(stream, rows, dimensions, spans, span_count, pooling, out, out_stride);
}

void round_rows(cudaStream_t stream, const float *rows, size_t columns, size_t row_count, __nv_bfloat16 *out,
                size_t out_stride) {
  launch_pool<Source::each_row>(stream, rows, columns, nullptr, row_count, out, out_stride);
}

}  // namespace ner_retriever::cuda
