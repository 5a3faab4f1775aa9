#include "matmul.h"

#include <algorithm>
#include <cstring>

#include "../blas/blas.h"

namespace ner_retriever {

namespace {

// Row tiles that go through all columns together: packed, they stay in the second-level cache.
constexpr size_t block_tiles = 8;
// Depth that the micro-kernel runs at a time: a panel of columns of this depth stays in the first-level cache.
constexpr size_t depth_block = 256;
// Rows or columns of the largest tile of any instruction set.
constexpr size_t largest_tile = 12 * 32;

constexpr size_t divide_up(size_t value, size_t step) { return (value + step - 1) / step; }

// `width` lines (rows of a, or columns of b) from `first` on -> packed [depth, width]; lines beyond `count` are zero.
// Line l, step s of the factor is data[l * line_stride + s * step_stride]; one of the strides is 1.
void pack(const float *data, size_t line_stride, size_t step_stride, size_t first, size_t count, size_t depth,
          size_t width, float *packed) {
  const size_t there = std::min(width, count - first);
  const float *from = data + first * line_stride;
  if (line_stride == 1) {
    for (size_t step = 0; step < depth; ++step, packed += width) {
      std::memcpy(packed, from + step * step_stride, there * sizeof(float));
      std::fill(packed + there, packed + width, 0.0f);
    }
    return;
  }
  // Transposing: the lines are read in turns of a few steps, so that both sides stay in the cache.
  constexpr size_t turn = 16;
  for (size_t begin = 0; begin < depth; begin += turn) {
    const size_t end = std::min(begin + turn, depth);
    for (size_t line = 0; line < width; ++line) {
      const float *values = from + line * line_stride;
      for (size_t step = begin; step < end; ++step) packed[step * width + line] = line < there ? values[step] : 0.0f;
    }
  }
}

// One tile of the sum. At the edges the kernel works on a whole tile of its own, of which the part that is there counts.
void add_tile(const Kernels &kernels, const float *a, const float *b, size_t depth, float *sum, size_t stride,
              size_t rows, size_t columns) {
  if (rows == kernels.tile_rows && columns == kernels.tile_columns) {
    kernels.matmul_tile(a, b, depth, sum, stride);
    return;
  }
  alignas(64) float tile[largest_tile] = {};
  for (size_t row = 0; row < rows; ++row)
    std::memcpy(tile + row * kernels.tile_columns, sum + row * stride, columns * sizeof(float));
  kernels.matmul_tile(a, b, depth, tile, kernels.tile_columns);
  for (size_t row = 0; row < rows; ++row)
    std::memcpy(sum + row * stride, tile + row * kernels.tile_columns, columns * sizeof(float));
}

void multiply_with_kernels(const Kernels &kernels, MatmulScratch &scratch, ThreadTeam &team, size_t rows, size_t columns,
                           size_t depth, Factor a, Factor b, float *sum) {
  const size_t tile_rows = kernels.tile_rows, tile_columns = kernels.tile_columns;
  const size_t panels = divide_up(columns, tile_columns), tiles = divide_up(rows, tile_rows);
  float *packed_columns = scratch.columns(panels * tile_columns * depth);
  float *packed_rows = scratch.rows(tiles * tile_rows * depth);

  team.share(panels, panels, [&](size_t begin, size_t end) {
    for (size_t panel = begin; panel < end; ++panel)
      pack(b.data, b.transposed ? b.stride : 1, b.transposed ? 1 : b.stride, panel * tile_columns, columns, depth,
           tile_columns, packed_columns + panel * tile_columns * depth);
  });

  team.share(tiles, tiles, [&](size_t begin, size_t end) {
    for (size_t first = begin; first < end; first += block_tiles) {
      const size_t last = std::min(first + block_tiles, end);
      for (size_t tile = first; tile < last; ++tile)
        pack(a.data, a.transposed ? 1 : a.stride, a.transposed ? a.stride : 1, tile * tile_rows, rows, depth, tile_rows,
             packed_rows + tile * tile_rows * depth);
      for (size_t at = 0; at < depth; at += depth_block) {
        const size_t steps = std::min(depth_block, depth - at);
        for (size_t panel = 0; panel < panels; ++panel) {
          const size_t column = panel * tile_columns;
          const float *packed_panel = packed_columns + column * depth + at * tile_columns;
          for (size_t tile = first; tile < last; ++tile) {
            const size_t row = tile * tile_rows;
            add_tile(kernels, packed_rows + row * depth + at * tile_rows, packed_panel, steps,
                     sum + row * columns + column, columns, std::min(tile_rows, rows - row),
                     std::min(tile_columns, columns - column));
          }
        }
      }
    }
  });
}

void multiply_with_blas(const ner_blas &blas, ThreadTeam &team, size_t rows, size_t columns, size_t depth, Factor a,
                        Factor b, float *sum) {
  constexpr int row_major = 101, plain = 111, transposed = 112;
  const auto size = [](size_t value) { return static_cast<int>(value); };
  blas.set_threads(1);
  // Each piece packs all of b again: one a thread.
  team.share(rows, team.size(), [&](size_t begin, size_t end) {
    blas.sgemm(row_major, a.transposed ? transposed : plain, b.transposed ? transposed : plain, size(end - begin),
               size(columns), size(depth), 1.0f, a.data + begin * (a.transposed ? 1 : a.stride), size(a.stride), b.data,
               size(b.stride), 1.0f, sum + begin * columns, size(columns));
  });
}

}  // namespace

void matmul(const Kernels &kernels, const ner_blas *blas, MatmulScratch &scratch, ThreadTeam &team, size_t rows,
            size_t columns, size_t depth, Factor a, Factor b, float *sum) {
  if (rows == 0 || columns == 0 || depth == 0) return;
  if (blas != nullptr)
    multiply_with_blas(*blas, team, rows, columns, depth, a, b, sum);
  else
    multiply_with_kernels(kernels, scratch, team, rows, columns, depth, a, b, sum);
}

}  // namespace ner_retriever
