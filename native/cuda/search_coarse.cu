#include "search_coarse.h"

#include <algorithm>

#include "device/shared_memory.cuh"
#include "device/tensor_core.cuh"
#include "device/warp.cuh"
#include "runtime/launch.h"

namespace ner_retriever::cuda {

namespace {

constexpr unsigned threads = 256;
constexpr unsigned tile_rows = 256;
constexpr unsigned stages = 4;
constexpr unsigned piece_bytes = static_cast<unsigned>(coarse_piece_bytes);
constexpr unsigned piece_stride = piece_bytes + 16;
constexpr unsigned step_bytes = 32;  // of each operand that one mma takes
constexpr unsigned copies = tile_rows * (piece_bytes / 16) / threads;  // 16-byte places of a piece that a thread fills

constexpr size_t stage_bytes = size_t{tile_rows} * piece_stride;

struct Job {
  RowChunk chunk;
  RowRange range;
  const unsigned char *queries;
  const QueryBound *bounds;
  Found found;
  unsigned query_count;
  unsigned query_blocks;
  unsigned pieces;  // of a row
  unsigned tiles;   // of the range
};

size_t shared_bytes_for(unsigned query_tile, size_t query_bytes) {
  return query_tile * (query_bytes + 16) + stages * stage_bytes + query_tile * sizeof(float4);
}

// ---- The three kinds of rows

struct Bfloat16Rows {
  using Sum = float;
  static constexpr bool copied = true;  // as they are; otherwise they are rounded to bfloat16
  static __device__ __forceinline__ void multiply(Sum (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_bfloat16(d, a, b);
  }
  static __device__ __forceinline__ float2 of_row(const RowChunk &chunk, size_t row) {
    return make_float2(__ldg(chunk.lengths + row), 0.0f);
  }
  // x: the coarse score, y: how far it may be off.
  static __device__ __forceinline__ float2 bounded(Sum sum, float2 row, float4 query) {
    return make_float2(sum, fmaf(row.x, query.x, query.z));
  }
};

struct Float32Rows {
  using Sum = float;
  static constexpr bool copied = false;
  static __device__ __forceinline__ void multiply(Sum (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_bfloat16(d, a, b);
  }
  static __device__ __forceinline__ float2 of_row(const RowChunk &chunk, size_t row) {
    return make_float2(__ldg(chunk.lengths + row), __ldg(chunk.losses + row));
  }
  static __device__ __forceinline__ float2 bounded(Sum sum, float2 row, float4 query) {
    return make_float2(sum, fmaf(row.x, query.x, fmaf(row.y, query.y, query.z)));
  }
};

struct Int8Rows {
  using Sum = int32_t;
  static constexpr bool copied = true;
  static __device__ __forceinline__ void multiply(Sum (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_int8(d, a, b);
  }
  static __device__ __forceinline__ float2 of_row(const RowChunk &chunk, size_t row) {
    return make_float2(__ldg(chunk.errors + row), __ldg(chunk.scales + row));
  }
  static __device__ __forceinline__ float2 bounded(Sum sum, float2 row, float4 query) {
    return make_float2(static_cast<float>(sum) * row.y * query.y, fmaf(row.x, query.x, query.z));
  }
};

// ---- Bringing rows into shared memory

// The piece of a tile that is fetched next. Places of 16 bytes: thread t fills place t % 4 of rows t / 4, t / 4 + 64, ….
template <class Rows>
class Fetcher {
 public:
  __device__ Fetcher(const Job &job, unsigned tile, unsigned tile_step) : job_(job), tile_(tile), tile_step_(tile_step) {
    find_rows();
  }

  // Begins to bring the next piece to a stage. Beyond the last tile nothing is done.
  __device__ __forceinline__ void begin(unsigned char *stage) {
    if (tile_ >= job_.tiles) return;
    const unsigned at = piece_ * piece_bytes + threadIdx.x % 4 * 16;  // in bytes of bfloat16 or codes
#pragma unroll
    for (unsigned i = 0; i < copies; ++i) {
      if constexpr (Rows::copied) {
        const bool there = at < job_.chunk.row_bytes;
        copy_async_16(to(stage, i), rows_[i] + (there ? at : 0), there);
      } else {
        // 8 values, each 4 bytes; a row ends at a multiple of 16.
        const uint4 zero = make_uint4(0, 0, 0, 0);
        const auto *from = reinterpret_cast<const uint4 *>(rows_[i] + 2 * at);
        held_[i][0] = 2 * at < job_.chunk.row_bytes ? __ldg(from) : zero;
        held_[i][1] = 2 * at + 16 < job_.chunk.row_bytes ? __ldg(from + 1) : zero;
      }
    }
  }

  // Ends what begin() began, which for float32 is more than waiting, and goes on to the next piece.
  __device__ __forceinline__ void end(unsigned char *stage) {
    if (tile_ >= job_.tiles) return;
    if constexpr (!Rows::copied) {
#pragma unroll
      for (unsigned i = 0; i < copies; ++i) {
        const uint4 &low = held_[i][0], &high = held_[i][1];
        *reinterpret_cast<uint4 *>(to(stage, i)) = make_uint4(pack(low.x, low.y), pack(low.z, low.w),
                                                              pack(high.x, high.y), pack(high.z, high.w));
      }
    }
    if (++piece_ < job_.pieces) return;
    piece_ = 0;
    tile_ += tile_step_;
    find_rows();
  }

 private:
  static __device__ __forceinline__ uint32_t pack(uint32_t first, uint32_t second) {
    return pack_bfloat16(__uint_as_float(first), __uint_as_float(second));
  }
  static __device__ __forceinline__ unsigned char *to(unsigned char *stage, unsigned i) {
    return stage + (threadIdx.x / 4 + i * (threads / 4)) * piece_stride + threadIdx.x % 4 * 16;
  }
  // Beyond the end of the range the last row is read again.
  __device__ __forceinline__ void find_rows() {
#pragma unroll
    for (unsigned i = 0; i < copies; ++i) {
      const size_t place = min(static_cast<size_t>(tile_) * tile_rows + threadIdx.x / 4 + i * (threads / 4),
                               static_cast<size_t>(job_.range.count - 1));
      rows_[i] = job_.chunk.values + (job_.range.begin + place * job_.range.stride) * job_.chunk.row_bytes;
    }
  }

  const Job &job_;
  unsigned tile_, tile_step_;
  unsigned piece_ = 0;
  const unsigned char *rows_[copies];
  uint4 held_[Rows::copied ? 1 : copies][2];
};

// ---- The kernel

// warps_across x (8 / warps_across) warps, each with row_tiles x 16 rows and query_tiles x 8 queries.
template <class Rows, unsigned query_tile>
__global__ void __launch_bounds__(threads, 1) scan_tiles(const __grid_constant__ Job job) {
  constexpr unsigned warps_across = query_tile == 16 ? 1 : 2;
  constexpr unsigned warps_down = threads / 32 / warps_across;
  constexpr unsigned row_tiles = tile_rows / warps_down / 16;
  constexpr unsigned query_tiles = query_tile / warps_across / 8;
  using Sum = typename Rows::Sum;

  const unsigned query_bytes = job.pieces * piece_bytes;
  const unsigned query_stride = query_bytes + 16;
  unsigned char *ring = dynamic_shared<unsigned char>();
  unsigned char *queries = ring + stages * stage_bytes;
  auto *bounds = reinterpret_cast<float4 *>(queries + query_tile * query_stride);

  // Neighbouring blocks have the same rows and other queries.
  const unsigned first_query = blockIdx.x % job.query_blocks * query_tile;
  const unsigned first_tile = blockIdx.x / job.query_blocks;
  const unsigned tile_step = gridDim.x / job.query_blocks;

  const unsigned places = query_bytes / 16;
  for (unsigned i = threadIdx.x; i < query_tile * places; i += threads)
    *reinterpret_cast<uint4 *>(queries + i / places * query_stride + i % places * 16) =
        *reinterpret_cast<const uint4 *>(job.queries + static_cast<size_t>(first_query + i / places) * query_bytes +
                                         i % places * 16);
  for (unsigned i = threadIdx.x; i < query_tile; i += threads) {
    const unsigned query = first_query + i;
    const QueryBound bound = job.bounds[query];
    // The least upper bound that is of interest. None is for a query that is not there.
    const Key threshold = query < job.query_count ? job.found.thresholds[query] : ~Key{0};
    const float least = query >= job.query_count ? INFINITY
                        : threshold == 0         ? -INFINITY
                                                 : score_of_bits(static_cast<uint32_t>(threshold >> 32));
    bounds[i] = make_float4(bound.of_row, bound.of_loss_or_scale, bound.rest, least);
  }
  __syncthreads();

  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const unsigned warp_row = warp / warps_across * row_tiles * 16, warp_query = warp % warps_across * query_tiles * 8;
  // What ldmatrix asks of this lane (tensor_core.cuh).
  const unsigned row_place = (warp_row + lane % 16) * piece_stride + lane / 16 * 16;
  const unsigned char *query_place = queries + (warp_query + lane % 8 + lane / 16 * 8) * query_stride +
                                     lane / 8 % 2 * 16;

  Fetcher<Rows> fetcher(job, first_tile, tile_step);
#pragma unroll
  for (unsigned stage = 0; stage < stages - 1; ++stage) {
    fetcher.begin(ring + stage * stage_bytes);
    fetcher.end(ring + stage * stage_bytes);
    commit_async_copies();
  }

  unsigned stage = 0;
  for (unsigned tile = first_tile; tile < job.tiles; tile += tile_step) {
    Sum sums[row_tiles][query_tiles][4];
#pragma unroll
    for (unsigned i = 0; i < row_tiles; ++i)
#pragma unroll
      for (unsigned j = 0; j < query_tiles; ++j)
#pragma unroll
        for (unsigned k = 0; k < 4; ++k) sums[i][j][k] = 0;

    for (unsigned piece = 0; piece < job.pieces; ++piece) {
      wait_for_async_copies<stages - 2>();
      __syncthreads();  // this piece is there for all, and all are done with the one before, whose stage is filled next
      unsigned char *next = ring + (stage + stages - 1) % stages * stage_bytes;
      fetcher.begin(next);
      commit_async_copies();

      const unsigned char *rows = ring + stage * stage_bytes + row_place;
      const unsigned char *columns = query_place + piece * piece_bytes;
#pragma unroll
      for (unsigned step = 0; step < piece_bytes / step_bytes; ++step) {
        uint32_t a[row_tiles][4];
        uint32_t b[query_tiles][2];
#pragma unroll
        for (unsigned i = 0; i < row_tiles; ++i) load_matrices_4(a[i], rows + i * 16 * piece_stride + step * step_bytes);
#pragma unroll
        for (unsigned j = 0; j < query_tiles; j += 2) {
          uint32_t two[4];
          load_matrices_4(two, columns + j * 8 * query_stride + step * step_bytes);
          b[j][0] = two[0];
          b[j][1] = two[1];
          b[j + 1][0] = two[2];
          b[j + 1][1] = two[3];
        }
#pragma unroll
        for (unsigned i = 0; i < row_tiles; ++i)
#pragma unroll
          for (unsigned j = 0; j < query_tiles; ++j) Rows::multiply(sums[i][j], a[i], b[j]);
      }
      fetcher.end(next);
      stage = (stage + 1) % stages;
    }

    // This lane has rows lane / 4 + 8 h of each row tile h / 2 and queries 2 (lane % 4) and the next of each query tile.
    constexpr unsigned halves = 2 * row_tiles;
    const unsigned first_row = tile * tile_rows + warp_row + lane / 4;
    float2 of_row[halves];
#pragma unroll
    for (unsigned h = 0; h < halves; ++h) {
      const size_t place = min(first_row + h * 8, job.range.count - 1);
      of_row[h] = Rows::of_row(job.chunk, job.range.begin + place * job.range.stride);
    }
#pragma unroll
    for (unsigned j = 0; j < query_tiles; ++j)
#pragma unroll
      for (unsigned k = 0; k < 2; ++k) {
        const unsigned column = warp_query + j * 8 + lane % 4 * 2 + k;
        const float4 query = bounds[column];
        unsigned may_be = 0;
#pragma unroll
        for (unsigned h = 0; h < halves; ++h) {
          const float2 score = Rows::bounded(sums[h / 2][j][h % 2 * 2 + k], of_row[h], query);
          if (!(score.x + score.y < query.w)) may_be |= 1u << h;  // NaN: nothing is known
        }
        // Few come this far: one at a time, so that this code stands here once for all rows.
        while (may_be != 0) {
          const unsigned found = static_cast<unsigned>(__ffs(static_cast<int>(may_be)) - 1);
          may_be &= may_be - 1;
          Sum sum = 0;
          float2 row = make_float2(0.0f, 0.0f);
#pragma unroll
          for (unsigned h = 0; h < halves; ++h)
            if (h == found) {
              sum = sums[h / 2][j][h % 2 * 2 + k];
              row = of_row[h];
            }
          const unsigned place = first_row + found * 8;
          const unsigned number = first_query + column;
          if (place >= job.range.count || number >= job.query_count) continue;
          const float2 score = Rows::bounded(sum, row, query);
          const float upper = score.x + score.y, lower = score.x - score.y;
          // Where nothing is known, the score may be all that there is, from infinity to NaN.
          add_found(job.found, job.chunk, job.range.begin + static_cast<size_t>(place) * job.range.stride, number,
                    ordered_bits(upper == upper ? upper : INFINITY), lower > -INFINITY ? ordered_bits(lower) : 0);
        }
      }
  }
}

template <class Rows, unsigned query_tile>
void scan(Job job, const cudaDeviceProp &device, cudaStream_t stream) {
  job.query_blocks = (job.query_count + query_tile - 1) / query_tile;
  // As many as run at once, the same number for each group of queries.
  const unsigned at_once = static_cast<unsigned>(device.multiProcessorCount) / job.query_blocks;
  const unsigned lanes = std::max(1u, std::min(at_once, job.tiles));
  launch(scan_tiles<Rows, query_tile>, lanes * job.query_blocks, threads,
         shared_bytes_for(query_tile, job.pieces * coarse_piece_bytes), stream, job);
}

template <class Rows>
void scan_for(unsigned query_tile, const Job &job, const cudaDeviceProp &device, cudaStream_t stream) {
  switch (query_tile) {
    case 16: return scan<Rows, 16>(job, device, stream);
    case 64: return scan<Rows, 64>(job, device, stream);
    default:
      // Of float32 rows, half the registers hold what is on its way.
      if constexpr (Rows::copied) return scan<Rows, 128>(job, device, stream);
  }
}

}  // namespace

size_t coarse_row_bytes(ner_precision precision, size_t dimensions) {
  const size_t bytes = dimensions * (precision == NER_INT8 ? 1 : 2);
  return (bytes + coarse_piece_bytes - 1) / coarse_piece_bytes * coarse_piece_bytes;
}

unsigned coarse_query_tile(ner_precision precision, size_t coarse_bytes, unsigned query_count, const cudaDeviceProp &device) {
  const auto fits = [&](unsigned tile) { return shared_bytes_for(tile, coarse_bytes) <= device.sharedMemPerBlockOptin; };
  if (query_count > 64 && precision != NER_FLOAT32 && fits(128)) return 128;
  if (query_count > 16 && fits(64)) return 64;
  return fits(16) ? 16 : 0;
}

void scan_coarsely(ner_precision precision, unsigned query_tile, const RowChunk &chunk, const RowRange &range,
                   size_t dimensions, const unsigned char *queries, const QueryBound *bounds, unsigned query_count,
                   const Found &found, const cudaDeviceProp &device, cudaStream_t stream) {
  if (range.count == 0) return;
  Job job = {};
  job.chunk = chunk;
  job.range = range;
  job.queries = queries;
  job.bounds = bounds;
  job.found = found;
  job.query_count = query_count;
  job.pieces = static_cast<unsigned>(coarse_row_bytes(precision, dimensions) / coarse_piece_bytes);
  job.tiles = (range.count - 1) / tile_rows + 1;
  switch (precision) {
    case NER_BFLOAT16: return scan_for<Bfloat16Rows>(query_tile, job, device, stream);
    case NER_FLOAT32: return scan_for<Float32Rows>(query_tile, job, device, stream);
    case NER_INT8: return scan_for<Int8Rows>(query_tile, job, device, stream);
  }
}

}  // namespace ner_retriever::cuda
