#include "matmul_float32.cuh"

#include <algorithm>
#include <cstdint>

#include "runtime/launch.h"

// Products of float32 in float32 (FFMA, no TF32: gradients are compared with float64 to five digits).
//
// A block makes a tile of 64 × 64 of the product. It takes 16 of the depth at a time into shared memory, both factors with
// the depth in lines, [16, 64]; each of its 64 threads makes 8 × 8 sums in registers, as four squares of 4 × 4, so that it
// reads its factors by 16 bytes and the threads of a warp read neighbouring ones or the same. The next 16 are read into
// registers while these are multiplied, and written to the other half of shared memory: one barrier for 16 of the depth.
//
// The products of a training step are small for a GPU: 384 rows, 1024 → 500 → 500 has 48, 48, 64, 48 and 128 tiles, fewer
// than an H100 has multiprocessors (132), of two warps each. So the depth is cut into parts of at least 128, a block each,
// until there are about 1024 blocks; the parts are added by who reads the product (PartialSums). How the depth is cut
// follows from the shape alone.
//
// Roofline (datasheet of an H100: 67 TFLOP/s in float32, 3.35 TB/s). 384 × 1024 × 500 is 0.39 GFLOP, so 5.9 µs; each
// number read and written once is 4.4 MB, so 1.3 µs, and all of it stays in the 50 MB of the second-level cache: arithmetic is the
// bound. The five products of that step are rows · hidden · (4 · input + 6 · output) = 1.4 GFLOP, 20 µs. What comes on top:
// 64 bytes of shared memory (4 instructions) for 64 multiply-adds of a thread; the factors are read 8 and 6 times from the
// cache, once for each tile across; 8 parts are 6.3 MB, written and read in the cache.

namespace ner_retriever::cuda {
namespace {

constexpr unsigned tile = 64;        // rows and columns of a block's piece of the product
constexpr unsigned tile_depth = 16;  // of what is in shared memory at a time
constexpr unsigned threads = 64;
constexpr unsigned blocks_at_once = 5;  // that a multiprocessor holds at least: 10 warps, of at most 204 registers
constexpr unsigned quads = tile * tile_depth / 4 / threads;  // that a thread reads of a factor's tile
constexpr unsigned line = tile + 4;  // of shared memory: the padding keeps what is written across lines off the same banks
constexpr unsigned worthwhile_depth = 128;
constexpr unsigned enough_blocks = 1024;

struct alignas(16) Tile {
  float lines[tile_depth][line];
};

// One factor as a block reads it: `lines` along the side of the product.
template <bool depth_in_lines>
struct Side {
  const float *values;
  size_t stride;
  unsigned lines;
  bool aligned;  // every fourth element begins at a multiple of 16 bytes

  // Elements [at, at + 4) of what ends at `end`; zeros beyond.
  __device__ float4 quad(const float *from, unsigned at, unsigned end) const {
    if (aligned && at + 4 <= end) return *reinterpret_cast<const float4 *>(from + at);
    float4 read = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (at < end) read.x = from[at];
    if (at + 1 < end) read.y = from[at + 1];
    if (at + 2 < end) read.z = from[at + 2];
    if (at + 3 < end) read.w = from[at + 3];
    return read;
  }

  __device__ void read(unsigned first_line, unsigned depth, unsigned depth_end, float4 (&into)[quads]) const {
#pragma unroll
    for (unsigned i = 0; i < quads; ++i) {
      const unsigned number = i * threads + threadIdx.x;
      if (depth_in_lines) {
        const unsigned at = first_line + number / (tile_depth / 4);
        into[i] = quad(values + at * stride, depth + number % (tile_depth / 4) * 4, at < lines ? depth_end : 0);
      } else {
        const unsigned at = depth + number / (tile / 4);
        into[i] = quad(values + at * stride, first_line + number % (tile / 4) * 4, at < depth_end ? lines : 0);
      }
    }
  }

  __device__ static void write(const float4 (&from)[quads], Tile &to) {
#pragma unroll
    for (unsigned i = 0; i < quads; ++i) {
      const unsigned number = i * threads + threadIdx.x;
      if (depth_in_lines) {
        const unsigned at = number / (tile_depth / 4), depth = number % (tile_depth / 4) * 4;
        to.lines[depth][at] = from[i].x;
        to.lines[depth + 1][at] = from[i].y;
        to.lines[depth + 2][at] = from[i].z;
        to.lines[depth + 3][at] = from[i].w;
      } else {
        *reinterpret_cast<float4 *>(&to.lines[number / (tile / 4)][number % (tile / 4) * 4]) = from[i];
      }
    }
  }
};

__device__ void read_eight(const float *from, float (&into)[8]) {
  const float4 first = *reinterpret_cast<const float4 *>(from);
  const float4 second = *reinterpret_cast<const float4 *>(from + tile / 2);
  into[0] = first.x, into[1] = first.y, into[2] = first.z, into[3] = first.w;
  into[4] = second.x, into[5] = second.y, into[6] = second.z, into[7] = second.w;
}

template <bool a_depth_in_lines, bool b_depth_in_lines>
__global__ void __launch_bounds__(threads, blocks_at_once)
    multiply_kernel(Side<a_depth_in_lines> a, Side<b_depth_in_lines> b, unsigned depth, unsigned part_depth,
                    size_t part_size, size_t stride, float *sums_of_parts) {
  __shared__ Tile a_tiles[2];
  __shared__ Tile b_tiles[2];
  const unsigned first_row = blockIdx.x * tile, first_column = blockIdx.y * tile;
  const unsigned begin = blockIdx.z * part_depth, end = min(depth, begin + part_depth);
  // Where a thread's 4 × 4 squares begin; the other three lie half a tile further down, to the right, and both.
  const unsigned row = threadIdx.x / 8 * 4, column = threadIdx.x % 8 * 4;

  float sums[8][8] = {};
  float4 next_a[quads], next_b[quads];
  a.read(first_row, begin, end, next_a);
  b.read(first_column, begin, end, next_b);
  a.write(next_a, a_tiles[0]);
  b.write(next_b, b_tiles[0]);
  __syncthreads();

  unsigned half = 0;
  for (unsigned at = begin; at < end; at += tile_depth) {
    const bool more = at + tile_depth < end;  // the same for the whole block
    if (more) {
      a.read(first_row, at + tile_depth, end, next_a);
      b.read(first_column, at + tile_depth, end, next_b);
    }
#pragma unroll
    for (unsigned k = 0; k < tile_depth; ++k) {
      float of_a[8], of_b[8];
      read_eight(&a_tiles[half].lines[k][row], of_a);
      read_eight(&b_tiles[half].lines[k][column], of_b);
#pragma unroll
      for (unsigned i = 0; i < 8; ++i)
#pragma unroll
        for (unsigned j = 0; j < 8; ++j) sums[i][j] = fmaf(of_a[i], of_b[j], sums[i][j]);
    }
    if (more) {
      // Nobody reads the other half: all came past the last barrier after they had multiplied it.
      half ^= 1;
      a.write(next_a, a_tiles[half]);
      b.write(next_b, b_tiles[half]);
      __syncthreads();
    }
  }

  float *part = sums_of_parts + blockIdx.z * part_size + first_row * stride + first_column;
#pragma unroll
  for (unsigned i = 0; i < 8; ++i) {
    float *out = part + (row + i % 4 + i / 4 * (tile / 2)) * stride + column;
    *reinterpret_cast<float4 *>(out) = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    *reinterpret_cast<float4 *>(out + tile / 2) =
        make_float4(sums[i][4], sums[i][5], sums[i][6], sums[i][7]);
  }
}

// How a product is cut: [tiles of rows, tiles of columns, parts of the depth] blocks.
struct Cut {
  unsigned row_tiles, column_tiles, parts, part_depth;

  Cut(size_t rows, size_t columns, size_t depth)
      : row_tiles(static_cast<unsigned>((rows + tile - 1) / tile)),
        column_tiles(static_cast<unsigned>((columns + tile - 1) / tile)) {
    const size_t tiles = static_cast<size_t>(row_tiles) * column_tiles;
    const size_t wanted = std::max<size_t>(1, std::min((enough_blocks + tiles - 1) / tiles, depth / worthwhile_depth));
    const size_t lines = (depth + tile_depth - 1) / tile_depth;
    part_depth = static_cast<unsigned>((lines + wanted - 1) / wanted) * tile_depth;
    parts = static_cast<unsigned>((depth + part_depth - 1) / part_depth);
  }

  size_t stride() const { return static_cast<size_t>(column_tiles) * tile; }
  size_t part_size() const { return row_tiles * tile * stride(); }
};

template <bool depth_in_lines>
Side<depth_in_lines> side(const MatmulFactor &factor, size_t lines) {
  return {factor.values, factor.stride, static_cast<unsigned>(lines),
          factor.stride % 4 == 0 && reinterpret_cast<uintptr_t>(factor.values) % 16 == 0};
}

}  // namespace

size_t partial_sums_size(size_t rows, size_t columns, size_t depth) {
  const Cut cut(rows, columns, depth);
  return cut.part_size() * cut.parts;
}

PartialSums multiply_float32(cudaStream_t stream, size_t rows, size_t columns, size_t depth, const MatmulFactor &a,
                             const MatmulFactor &b, float *workspace) {
  const Cut cut(rows, columns, depth);
  const dim3 grid(cut.row_tiles, cut.column_tiles, cut.parts);
  const auto run = [&](auto kernel, auto side_of_a, auto side_of_b) {
    launch(kernel, grid, threads, 0, stream, side_of_a, side_of_b, static_cast<unsigned>(depth), cut.part_depth,
           cut.part_size(), cut.stride(), workspace);
  };
  if (a.transposed)
    run(multiply_kernel<false, false>, side<false>(a, rows), side<false>(b, columns));
  else if (b.transposed)
    run(multiply_kernel<true, true>, side<true>(a, rows), side<true>(b, columns));
  else
    run(multiply_kernel<true, false>, side<true>(a, rows), side<false>(b, columns));
  return {workspace, cut.part_size(), cut.stride(), cut.parts};
}

}  // namespace ner_retriever::cuda
