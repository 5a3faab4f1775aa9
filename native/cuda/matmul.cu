#include "matmul.cuh"

#include <cstdint>

#include "device/shared_memory.cuh"
#include "device/tensor_core.cuh"
#include "device/warp.cuh"
#include "runtime/launch.h"
#include "silu.cuh"

// A linear layer by tensor cores: out [rows, output] = f(rows [rows, input] * weight [output, input]^T + bias).
//
// Roofline, for 1 M rows through 1024 -> 500 -> 500 on an H100 (datasheet 989 TFLOP/s of bfloat16 and 3.35 TB/s; about 800
// and 3.0 are measured by others):
//   operations   2 * 1e6 * (1024 * 500 + 500 * 500) = 1.5e12      1.9 ms at 800 TFLOP/s
//   bytes        1e6 * (2 * 1024 + 2 * 512 (written) + 2 * 512 (read) + 4 * 500) = 6.1e9      2.0 ms at 3.0 TB/s
// Both matter: what is loaded for the next tile and what is stored of the last one has to go on beside the multiplying,
// and nothing may go through memory twice. Hence:
// - Bias, SiLU, rounding and the L2 norm happen on the sums while they are in registers. A product left in memory for a
//   second kernel would be 1e6 * 512 * 4 bytes written and read again for each layer: 8.2e9 more, 2.7 ms.
// - For the L2 norm a block has to see its rows whole. 64 rows * 512 columns of sums are half of a multiprocessor's
//   registers: so heads of up to 512 outputs are normalised here, wider ones by normalise_rows (and on cards with less than
//   146 KiB of shared memory for a block those beyond 256). A hidden layer's tile is
//   128 * 256: as many sums, but (128 + 256) instead of (64 + 512) rows to load for them. What comes out of the
//   second-level cache is what that decides: 12 instead of 18 bytes for 1,000 operations; at 5.5 TB/s it would bound
//   them to 470 and 310 TFLOP/s.
// - Blocks stay: as many as there are multiprocessors, each goes from tile to tile, and the loads run ahead across the border
//   between two tiles. So a tile's epilogue does not leave the memory idle.
// - mma.sync, which all cards since sm_80 have, and not wgmma, which one generation has: by others' measurements it gets
//   about 60 % of an H100's rate. That is the ceiling of this kernel: 600 TFLOP/s.
//
// How a block works: a step is 32 elements of depth of all rows of its tile and all its columns' weights. Steps go round
// `stages` pieces of shared memory, each filled by cp.async as soon as it has been read, so three to four steps ahead. A warp has 64 rows * 64 columns: for 16 of
// depth it reads 4 KiB of shared memory for 131,072 operations, 32 cycles of reading beside about 48 of multiplying. What it
// multiplies next is read while it multiplies (two sets of fragments).
//
// Shared memory: a row's 32 elements are four 16-byte pieces, kept in an order that depends on the row, so that the eight
// rows that ldmatrix reads at a time lie in different banks:
//   rows     piece p of row r lies at p ^ (r / 2 % 4), for ldmatrix takes rows r .. r + 7
//   weights  piece p of column c lies at p ^ (c / 8 % 4), for ldmatrix takes columns c, c + 1, c + 8, c + 9, ... c + 25
// That second order makes the epilogue one of 16-byte stores: the tensor core gives a thread two neighbouring columns of
// each 8. Which columns these 8 are is ours to say: with 4 products of 2 columns each, a thread has 8 neighbours of 32.

namespace ner_retriever::cuda {

namespace {

constexpr int step_depth = 32;
constexpr int step_pieces = step_depth / 8;  // of 8 elements, 16 bytes
constexpr int stages = 4;
constexpr int warp_tile = 64;  // rows and columns of a warp

static_assert(input_step % step_depth == 0, "whole steps");

template <int warp_rows, int warp_columns>
struct BlockTile {
  static constexpr int rows = warp_rows * warp_tile;
  static constexpr int columns = warp_columns * warp_tile;
  static constexpr int warps_across = warp_columns;
  static constexpr int threads = warp_rows * warp_columns * 32;
  static constexpr int stage_elements = (rows + columns) * step_depth;
  static constexpr size_t shared_bytes = size_t{stages * stage_elements} * sizeof(__nv_bfloat16);
  static_assert(rows * step_pieces % threads == 0 && columns * step_pieces % threads == 0, "each thread as many pieces");
  
};
// Of a hidden layer and a wide last one; of a last layer with up to 512 outputs.
using SquareTile = BlockTile<2, 4>;
using WideTile = BlockTile<1, 8>;
static_assert(output_step == SquareTile::columns && 2 * output_step == WideTile::columns, "weights are padded to whole tiles");

// The next step to be loaded, ahead of the one that is multiplied.
template <class Tile>
struct Loader {
  const __nv_bfloat16 *rows;
  const __nv_bfloat16 *weight;
  int row_count;
  int depth;
  int column_tiles;
  int tiles;
  int tile;
  int first_row;
  const __nv_bfloat16 *weight_of_tile;
  int at;  // depth

  __device__ Loader(const __nv_bfloat16 *all_rows, const __nv_bfloat16 *all_weight, int all_row_count, int all_depth,
                    int tiles_of_columns, int all_tiles)
      : rows(all_rows),
        weight(all_weight),
        row_count(all_row_count),
        depth(all_depth),
        column_tiles(tiles_of_columns),
        tiles(all_tiles) {
    go_to(static_cast<int>(blockIdx.x));
  }

  __device__ void go_to(int next_tile) {
    tile = next_tile;
    at = 0;
    first_row = tile / column_tiles * Tile::rows;
    weight_of_tile = weight + static_cast<size_t>(tile % column_tiles * Tile::columns) * static_cast<size_t>(depth);
  }

  // A step's rows and weights into `stage`, in 16-byte pieces. Rows beyond the last are the last once more: they are
  // multiplied and not stored. Nothing, when this block has no more.
  __device__ void load(__nv_bfloat16 *stage) {
    if (tile >= tiles) return;
    constexpr int rows_at_once = Tile::threads / step_pieces;
    const int row = static_cast<int>(threadIdx.x) / step_pieces;
    const int piece = static_cast<int>(threadIdx.x) % step_pieces;
    const size_t source = static_cast<size_t>(at + piece * 8);
#pragma unroll
    for (int i = 0; i < Tile::rows / rows_at_once; ++i) {
      const int to = row + i * rows_at_once;
      const int from = min(first_row + to, row_count - 1);
      copy_async_16(stage + to * step_depth + (piece ^ (to / 2 % 4)) * 8,
                    rows + static_cast<size_t>(from) * static_cast<size_t>(depth) + source);
    }
    stage += Tile::rows * step_depth;
#pragma unroll
    for (int i = 0; i < Tile::columns / rows_at_once; ++i) {
      const int to = row + i * rows_at_once;
      copy_async_16(stage + to * step_depth + (piece ^ (to / 8 % 4)) * 8,
                    weight_of_tile + static_cast<size_t>(to) * static_cast<size_t>(depth) + source);
    }
    at += step_depth;
    if (at == depth) go_to(tile + static_cast<int>(gridDim.x));
  }
};

// What a thread holds of 16 of depth: of 64 rows (4 matrices of 16 * 16) and of 64 columns (8 of 16 * 8).
struct Fragments {
  uint32_t rows[4][4];
  uint32_t columns[8][2];

  // `half`: the first or the second 16 of the step.
  __device__ void read(const __nv_bfloat16 *rows_of_warp, const __nv_bfloat16 *columns_of_warp, int half) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    // Four matrices of 8 * 8 at once: lane 8 * m + r says where row r of matrix m lies. Matrices of rows: rows 0-7 and 8-15
    // of the first 8 of depth, then of the second.
    const int row = lane % 16;
    const int row_piece = (half * 2 + lane / 16) ^ (row / 2 % 4);
#pragma unroll
    for (int i = 0; i < 4; ++i)
      load_matrices_4(rows[i], rows_of_warp + (i * 16 + row) * step_depth + row_piece * 8);
    // Of columns: the first and the second 8 of depth of one product, then of the next.
    const int column = lane % 8;
    const int column_piece = (half * 2 + lane / 8 % 2) ^ (column / 2);
    const int column_place = column / 2 * 8 + column % 2 + lane / 16 * 2;
#pragma unroll
    for (int i = 0; i < 8; i += 2) {
      uint32_t both[4];
      load_matrices_4(both, columns_of_warp + (i / 4 * 32 + i % 4 * 2 + column_place) * step_depth + column_piece * 8);
      columns[i][0] = both[0];
      columns[i][1] = both[1];
      columns[i + 1][0] = both[2];
      columns[i + 1][1] = both[3];
    }
  }
};

// A warp's sums. Thread `lane` has of product (i, j) rows 16 i + lane / 4 (elements 0, 1) and 8 below (2, 3), and of
// products (i, 4 J) .. (i, 4 J + 3) together columns 32 J + lane % 4 * 8 to 7 further: as row(i, half, J, values) gives them.
struct Sums {
  float of[4][8][4];

  __device__ void clear() {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 8; ++j)
#pragma unroll
        for (int k = 0; k < 4; ++k) of[i][j][k] = 0.0f;
  }

  __device__ void add_product(const Fragments &fragments) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 8; ++j) multiply_bfloat16(of[i][j], fragments.rows[i], fragments.columns[j]);
  }

  // One of the 8 neighbouring columns of a row, by place: 0 <= place < 8.
  __device__ float &at(int i, int half, int group, int place) { return of[i][group * 4 + place / 2][half * 2 + place % 2]; }
};

// Where a thread's sums lie in the result: row(i, half), and 8 columns from column(group) on.
struct Place {
  int first_row;
  int first_column;

  __device__ int row(int i, int half) const { return first_row + i * 16 + half * 8; }
  __device__ int column(int group) const { return first_column + group * 32; }
};

__device__ void add_bias(Sums &sums, const Place &place, const float *bias) {
#pragma unroll
  for (int group = 0; group < 2; ++group) {
    const float4 *from = reinterpret_cast<const float4 *>(bias + place.column(group));
    const float4 low = __ldg(from);
    const float4 high = __ldg(from + 1);
    const float eight[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int k = 0; k < 8; ++k) sums.at(i, half, group, k) += eight[k];
  }
}

// 8 neighbouring columns of a row of float32 of `columns`, 16 bytes at a time where rows begin at such places.
__device__ void store_eight(float *row, int column, int columns, const float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i += 4) {
    if (columns % 4 == 0) {
      if (column + i < columns)
        *reinterpret_cast<float4 *>(row + column + i) =
            make_float4(values[i], values[i + 1], values[i + 2], values[i + 3]);
    } else {
#pragma unroll
      for (int k = i; k < i + 4; ++k)
        if (column + k < columns) row[column + k] = values[k];
    }
  }
}

// What becomes of a tile's sums: bias, and then...

// ... they are the result.
struct KeepSums {
  template <class Tile>
  __device__ static void finish(Sums &sums, const Place &place, int row_count, int columns, float *out) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = place.row(i, half);
        if (row >= row_count) continue;
#pragma unroll
        for (int group = 0; group < 2; ++group) {
          float values[8];
#pragma unroll
          for (int k = 0; k < 8; ++k) values[k] = sums.at(i, half, group, k);
          store_eight(out + static_cast<size_t>(row) * static_cast<size_t>(columns), place.column(group), columns, values);
        }
      }
  }
};

// ... SiLU makes the next layer's rows of them. `columns`, those of a row there, is a multiple of 8.
struct Silu {
  template <class Tile>
  __device__ static void finish(Sums &sums, const Place &place, int row_count, int columns, __nv_bfloat16 *out) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = place.row(i, half);
        if (row >= row_count) continue;
#pragma unroll
        for (int group = 0; group < 2; ++group) {
          if (place.column(group) >= columns) continue;
          uint32_t pairs[4];
#pragma unroll
          for (int k = 0; k < 4; ++k)
            pairs[k] = pack_bfloat16(silu(sums.at(i, half, group, 2 * k)), silu(sums.at(i, half, group, 2 * k + 1)));
          *reinterpret_cast<uint4 *>(out + static_cast<size_t>(row) * static_cast<size_t>(columns) + place.column(group)) =
              make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
        }
      }
  }
};

// ... each row is divided by its L2 norm. The tile has all columns. The row's largest value is first brought to between 1
// and 2 by a power of two, which is exact, so that no square of float32 overflows or vanishes.
struct Normalise {
  template <class Tile>
  __device__ static void finish(Sums &sums, const Place &place, int row_count, int columns, float *out) {
    constexpr int warps = Tile::warps_across;
    // What each of the warps that share a row found in its columns; all add it up in the same order.
    __shared__ float found[size_t{Tile::rows}][size_t{warps}];
    const int warp_column = static_cast<int>(threadIdx.x) / 32 % warps;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int row_of_tile = static_cast<int>(threadIdx.x) / 32 / warps * warp_tile + lane / 4;

    float scale[4][2];
    exchange(found, warp_column, lane, row_of_tile, scale, [&](int i, int half) {
      float largest = 0.0f;
#pragma unroll
      for (int k = 0; k < 16; ++k) largest = fmaxf(largest, fabsf(sums.at(i, half, k / 8, k % 8)));
      return largest;
    }, [](float left, float right) { return fmaxf(left, right); });
    float factor[4][2];
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int exponent = static_cast<int>(__float_as_uint(scale[i][half]) >> 23);
        scale[i][half] = __uint_as_float(static_cast<uint32_t>(exponent < 254 ? 254 - exponent : 1) << 23);
      }
    __syncthreads();  // `found` has been read
    exchange(found, warp_column, lane, row_of_tile, factor, [&](int i, int half) {
      float sum = 0.0f;
#pragma unroll
      for (int k = 0; k < 16; ++k) {
        const float value = sums.at(i, half, k / 8, k % 8) * scale[i][half];
        sum = fmaf(value, value, sum);
      }
      return sum;
    }, [](float left, float right) { return left + right; });

#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = place.row(i, half);
        if (row >= row_count) continue;
        const float squares = factor[i][half];
        const float inverse = squares == 0.0f ? 0.0f : 1.0f / sqrtf(squares);
#pragma unroll
        for (int group = 0; group < 2; ++group) {
          float values[8];
#pragma unroll
          for (int k = 0; k < 8; ++k) values[k] = sums.at(i, half, group, k) * scale[i][half] * inverse;
          store_eight(out + static_cast<size_t>(row) * static_cast<size_t>(columns), place.column(group), columns, values);
        }
      }
  }

 private:
  // result[i][half] = what `combine` makes of all columns of that row, given what `of` says of this thread's.
  template <size_t rows, size_t warps, class Of, class Combine>
  __device__ static void exchange(float (&found)[rows][warps], int warp_column, int lane, int row_of_tile,
                                  float (&result)[4][2], const Of &of, const Combine &combine) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float value = of(i, half);
        // The four threads of a row.
        value = combine(value, __shfl_xor_sync(all_lanes, value, 1));
        value = combine(value, __shfl_xor_sync(all_lanes, value, 2));
        if (lane % 4 == 0) found[row_of_tile + i * 16 + half * 8][warp_column] = value;
      }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float(&of_row)[warps] = found[row_of_tile + i * 16 + half * 8];
        result[i][half] = of_row[0];
#pragma unroll
        for (size_t warp = 1; warp < warps; ++warp) result[i][half] = combine(result[i][half], of_row[warp]);
      }
  }
};

// One block of Tile::threads for each multiprocessor. out [row_count, out_columns].
template <class Tile, class Epilogue, class Value>
__global__ void __launch_bounds__(Tile::threads, 1)
    matmul_kernel(const __nv_bfloat16 *rows, int row_count, const __nv_bfloat16 *weight, const float *bias, int depth,
                  int column_tiles, Value *out, int out_columns) {
  __nv_bfloat16 *shared = dynamic_shared<__nv_bfloat16>();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = warp / Tile::warps_across * warp_tile;
  const int warp_column = warp % Tile::warps_across * warp_tile;
  const __nv_bfloat16 *rows_of_warp = shared + warp_row * step_depth;
  const __nv_bfloat16 *columns_of_warp = shared + (Tile::rows + warp_column) * step_depth;

  const int tiles = (row_count + Tile::rows - 1) / Tile::rows * column_tiles;
  Loader<Tile> loader(rows, weight, row_count, depth, column_tiles, tiles);
  for (int stage = 0; stage < stages; ++stage) {
    loader.load(shared + stage * Tile::stage_elements);
    commit_async_copies();
  }
  wait_for_async_copies<stages - 1>();
  __syncthreads();

  Fragments now, next;
  Sums sums;
  int stage = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < tiles; tile += static_cast<int>(gridDim.x)) {
    sums.clear();
    // (Read once before, at the end of the tile before; but kept until here, it would take registers from the epilogue.)
    now.read(rows_of_warp + stage * Tile::stage_elements, columns_of_warp + stage * Tile::stage_elements, 0);
    for (int at = 0; at < depth; at += step_depth) {
      next.read(rows_of_warp + stage * Tile::stage_elements, columns_of_warp + stage * Tile::stage_elements, 1);
      sums.add_product(now);

      // All of this step has been read: its place is free for the one `stages` ahead. The next step is there when at most
      // stages - 2 are still under way. (Behind the last step there is none, and what is read then is not used.)
      wait_for_async_copies<stages - 2>();
      __syncthreads();
      loader.load(shared + stage * Tile::stage_elements);
      commit_async_copies();
      stage = stage + 1 == stages ? 0 : stage + 1;
      now.read(rows_of_warp + stage * Tile::stage_elements, columns_of_warp + stage * Tile::stage_elements, 0);
      sums.add_product(next);
    }
    const Place place = {tile / column_tiles * Tile::rows + warp_row + lane / 4,
                         tile % column_tiles * Tile::columns + warp_column + lane % 4 * 8};
    add_bias(sums, place, bias);
    Epilogue::template finish<Tile>(sums, place, row_count, out_columns, out);
  }
  wait_for_async_copies<0>();
}

template <class Tile, class Epilogue, class Value>
void launch_matmul(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer,
                   Value *out, size_t out_columns) {
  if (row_count == 0) return;
  const auto kernel = matmul_kernel<Tile, Epilogue, Value>;
  constexpr size_t tile_rows = Tile::rows;
  constexpr size_t tile_columns = Tile::columns;
  const size_t column_tiles = layer.padded_output() / tile_columns;
  const size_t tiles = (row_count + tile_rows - 1) / tile_rows * column_tiles;
  const size_t multiprocessors = static_cast<size_t>(device.multiprocessors);
  launch(kernel, dim3(static_cast<unsigned>(tiles < multiprocessors ? tiles : multiprocessors)), dim3(Tile::threads),
         Tile::shared_bytes, device.stream, rows, static_cast<int>(row_count), layer.weight, layer.bias,
         static_cast<int>(layer.padded_input()), static_cast<int>(column_tiles), out, static_cast<int>(out_columns));
}

}  // namespace

void matmul_silu(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer,
                 __nv_bfloat16 *out, size_t out_stride) {
  launch_matmul<SquareTile, Silu>(device, rows, row_count, layer, out, out_stride);
}

bool matmul_normalised_fits(const MatmulDevice &device, const LinearLayer &layer) {
  constexpr size_t exchanged_bytes = 2048;  // Normalise's
  return layer.output <= size_t{SquareTile::columns} ||
         (layer.output <= size_t{WideTile::columns} && WideTile::shared_bytes + exchanged_bytes <= device.shared_bytes);
}

void matmul_normalised(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer,
                       float *out) {
  if (layer.output <= size_t{SquareTile::columns})
    launch_matmul<SquareTile, Normalise>(device, rows, row_count, layer, out, layer.output);
  else
    launch_matmul<WideTile, Normalise>(device, rows, row_count, layer, out, layer.output);
}

void matmul(const MatmulDevice &device, const __nv_bfloat16 *rows, size_t row_count, const LinearLayer &layer, float *out) {
  launch_matmul<SquareTile, KeepSums>(device, rows, row_count, layer, out, layer.output);
}

}  // namespace ner_retriever::cuda
