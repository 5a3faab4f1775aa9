#pragma once

#include <cstdint>
#include <cstring>

#include "cuda_bf16.h"
#include "cuda_runtime.h"

// device/tensor_core.cuh by hand; what the functions do is said there. Fragments are put together and taken apart by the formulas of
// the PTX ISA ("Matrix Fragments for mma.m16n8k16 with floating point type", "… for mma.m16n8k32"), element by element.

namespace cuda_emulation::tensor_core {

struct Operands {
  uint32_t a[4];
  uint32_t b[2];
};

struct WarpOperands {
  Operands lane[32];
};

// What a product reads and writes is its lane's own: nothing to watch for races, and a test is done in a fraction of the time.

// The lower or the upper half of a register.
CUDA_EMULATION_UNWATCHED inline float bfloat16_in(uint32_t word, unsigned half) {
  const uint32_t bits = half == 0 ? word << 16 : word & 0xffff0000u;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The fragments say which element is a lane's i-th; these say which lane has an element, and as which.

// Of a [16, 16] of bfloat16: i < 2 and 4 <= i < 6 are row g, the others g + 8; i < 4 are columns 2t + (i & 1), the others 8 more.
CUDA_EMULATION_UNWATCHED inline float bfloat16_of_a(const WarpOperands &all, unsigned row, unsigned column) {
  const unsigned i = (column >= 8 ? 4u : 0u) + (row >= 8 ? 2u : 0u) + column % 2;
  const unsigned lane = row % 8 * 4 + column % 8 / 2;
  return bfloat16_in(all.lane[lane].a[i / 2], i & 1);
}

// Of b [16, 8]: i < 2 are rows 2t + (i & 1), the others 8 more; all are column g.
CUDA_EMULATION_UNWATCHED inline float bfloat16_of_b(const WarpOperands &all, unsigned row, unsigned column) {
  const unsigned i = (row >= 8 ? 2u : 0u) + row % 2;
  const unsigned lane = column * 4 + row % 8 / 2;
  return bfloat16_in(all.lane[lane].b[i / 2], i & 1);
}

// Of a [16, 32] of bytes: i < 4 and 8 <= i < 12 are row g, the others g + 8; i < 8 are columns 4t + (i & 3), the others 16 more.
CUDA_EMULATION_UNWATCHED inline int int8_of_a(const WarpOperands &all, unsigned row, unsigned column) {
  const unsigned i = (column >= 16 ? 8u : 0u) + (row >= 8 ? 4u : 0u) + column % 4;
  const unsigned lane = row % 8 * 4 + column % 16 / 4;
  return static_cast<int8_t>(all.lane[lane].a[i / 4] >> (8 * (i & 3)));
}

// Of b [32, 8]: i < 4 are rows 4t + (i & 3), the others 16 more; all are column g.
CUDA_EMULATION_UNWATCHED inline int int8_of_b(const WarpOperands &all, unsigned row, unsigned column) {
  const unsigned i = (row >= 16 ? 4u : 0u) + row % 4;
  const unsigned lane = column * 4 + row % 16 / 4;
  return static_cast<int8_t>(all.lane[lane].b[i / 4] >> (8 * (i & 3)));
}

// Which element of d [16, 8] is this lane's i-th.
CUDA_EMULATION_UNWATCHED inline unsigned row_of_d(unsigned i) { return lane_of_thread() / 4 + (i < 2 ? 0u : 8u); }
CUDA_EMULATION_UNWATCHED inline unsigned column_of_d(unsigned i) { return lane_of_thread() % 4 * 2 + (i & 1); }

CUDA_EMULATION_UNWATCHED inline WarpOperands exchange(const uint32_t (&a)[4], const uint32_t (&b)[2], const Site &site) {
  const Operands own = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const unsigned char *slots = exchange_in_warp(&own, sizeof own, Memory::unordered, site);
  WarpOperands all;
  for (unsigned lane = 0; lane < 32; ++lane) std::memcpy(&all.lane[lane], slots + lane * slot_bytes, sizeof own);
  return all;
}

// The order in which the GPU adds is its own affair; this sum is rounded once.
CUDA_EMULATION_UNWATCHED inline void multiply_bfloat16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], CUDA_EMULATION_HERE) {
  const WarpOperands all = exchange(a, b, CUDA_EMULATION_SITE("mma"));
  for (unsigned i = 0; i < 4; ++i) {
    double sum = static_cast<double>(d[i]);
    for (unsigned k = 0; k < 16; ++k)
      sum += static_cast<double>(bfloat16_of_a(all, row_of_d(i), k)) * static_cast<double>(bfloat16_of_b(all, k, column_of_d(i)));
    d[i] = static_cast<float>(sum);
  }
}

CUDA_EMULATION_UNWATCHED inline void multiply_int8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], CUDA_EMULATION_HERE) {
  const WarpOperands all = exchange(a, b, CUDA_EMULATION_SITE("mma"));
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned k = 0; k < 32; ++k) d[i] += int8_of_a(all, row_of_d(i), k) * int8_of_b(all, k, column_of_d(i));
}

template <unsigned count, bool transposed>
void load_matrices(uint32_t (&registers)[count], const void *row, const Site &site) {
  const auto rows = Exchanged<const unsigned char *>(full_mask, static_cast<const unsigned char *>(row), site).all();
  const unsigned lane = lane_of_thread();
  if (lane < 8 * count && reinterpret_cast<uintptr_t>(row) % 16 != 0) fail_kernel("a row that is not at a multiple of 16 bytes", site);
  for (unsigned matrix = 0; matrix < count; ++matrix) {
    uint16_t halves[2];
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned at_row = transposed ? lane % 4 * 2 + i : lane / 4;
      const unsigned at_column = transposed ? lane / 4 : lane % 4 * 2 + i;
      std::memcpy(&halves[i], rows[matrix * 8 + at_row] + at_column * 2, 2);
    }
    registers[matrix] = static_cast<uint32_t>(halves[0]) | static_cast<uint32_t>(halves[1]) << 16;
  }
  // The other lanes may not write there before this lane has read, which on the GPU is one instruction.
  const Exchanged<int> read(full_mask, 0, site);
}

inline void load_matrices_4(uint32_t (&registers)[4], const void *row, CUDA_EMULATION_HERE) {
  load_matrices<4, false>(registers, row, CUDA_EMULATION_SITE("ldmatrix"));
}
inline void load_matrices_2(uint32_t (&registers)[2], const void *row, CUDA_EMULATION_HERE) {
  load_matrices<2, false>(registers, row, CUDA_EMULATION_SITE("ldmatrix"));
}
inline void load_matrices_4_transposed(uint32_t (&registers)[4], const void *row, CUDA_EMULATION_HERE) {
  load_matrices<4, true>(registers, row, CUDA_EMULATION_SITE("ldmatrix"));
}
inline void load_matrices_2_transposed(uint32_t (&registers)[2], const void *row, CUDA_EMULATION_HERE) {
  load_matrices<2, true>(registers, row, CUDA_EMULATION_SITE("ldmatrix"));
}

inline void copy_async_16(void *shared, const void *global, bool there = true, CUDA_EMULATION_HERE) {
  const Site site = CUDA_EMULATION_SITE("cp.async");
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0 || (there && reinterpret_cast<uintptr_t>(global) % 16 != 0))
    fail_kernel("16 bytes that are not at a multiple of 16", site);
  copy_async(shared, global, 16, there ? 16 : 0);
}

using cuda_emulation::commit_async_copies;

template <int may_be_open>
void wait_for_async_copies() {
  cuda_emulation::wait_for_async_copies(may_be_open);
}

}  // namespace cuda_emulation::tensor_core
