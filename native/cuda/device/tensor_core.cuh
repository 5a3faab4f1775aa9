#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

// What sm_80 and later have for matrix products, one instruction a function: the products themselves (mma), the loads that bring
// matrices from shared memory into the registers that mma wants (ldmatrix), and the copies from global to shared memory
// that pass by the registers (cp.async). All lanes of a warp reach mma and ldmatrix together.
//
// Lane l holds, with g = l / 4 and t = l % 4 (PTX ISA, "Matrix Fragments for mma"):
//
//   bfloat16, a [16, 16] b [16, 8]             int8, a [16, 32] b [32, 8]
//   a[0]  row g,      columns 2t, 2t + 1       row g,      columns 4t … 4t + 3
//   a[1]  row g + 8,  columns 2t, 2t + 1       row g + 8,  columns 4t … 4t + 3
//   a[2]  row g,      columns 2t + 8, 2t + 9   row g,      columns 4t + 16 … 4t + 19
//   a[3]  row g + 8,  columns 2t + 8, 2t + 9   row g + 8,  columns 4t + 16 … 4t + 19
//   b[0]  rows 2t, 2t + 1,     column g        rows 4t … 4t + 3,         column g
//   b[1]  rows 2t + 8, 2t + 9, column g        rows 4t + 16 … 4t + 19,   column g
//   d[0], d[1]  row g,     columns 2t, 2t + 1  the same
//   d[2], d[3]  row g + 8, columns 2t, 2t + 1  the same
//
// the first in the lowest bits. In bytes the two are the same: a row of `a` is 32 bytes, of which lane t has 4 and, 16 further
// on, another 4; so is a column of `b`. So load_matrices_4 brings `a` of both types from row-major shared memory, where
// lane l gives the address of row l % 16, byte l / 16 * 16; and `b` from shared memory that holds b's columns as rows
// (weights [output, input] do), two columns' worth of mma a call: lane l gives column l % 8 + l / 16 * 8, byte l / 8 % 2 * 16,
// and gets b[0], b[1] of columns 0 … 7, then of columns 8 … 15.

#if defined(NER_RETRIEVER_CUDA_EMULATION)
#include "emulated_tensor_core.h"
#endif

namespace ner_retriever::cuda {

#if defined(NER_RETRIEVER_CUDA_EMULATION)

using namespace cuda_emulation::tensor_core;

#else

// d [16, 8] += a [16, 16] * b [16, 8]: products of bfloat16, summed in float32.
__device__ inline void multiply_bfloat16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// d [16, 8] += a [16, 32] * b [32, 8]: products of signed bytes, exact.
__device__ inline void multiply_int8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ inline uint32_t shared_address(const void *memory) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(memory));
}

// Four matrices of 8 rows of 16 bytes. Row r of matrix m lies where lane 8m + r says, at a multiple of 16 bytes of shared
// memory. registers[m]: bytes 4t … 4t + 3 of row g of matrix m.
__device__ inline void load_matrices_4(uint32_t (&registers)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(row))
               : "memory");
}

// Two; lanes 16 … 31 give an address that could be one of the others'.
__device__ inline void load_matrices_2(uint32_t (&registers)[2], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(registers[0]), "=r"(registers[1])
               : "r"(shared_address(row))
               : "memory");
}

// The same of matrices of 16-bit values, transposed. registers[m]: column g of matrix m, rows 2t and 2t + 1.
__device__ inline void load_matrices_4_transposed(uint32_t (&registers)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(row))
               : "memory");
}

__device__ inline void load_matrices_2_transposed(uint32_t (&registers)[2], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(registers[0]), "=r"(registers[1])
               : "r"(shared_address(row))
               : "memory");
}

// Begins to copy 16 bytes, both at multiples of 16 bytes; zeros where not `there`, and then `global` is not read (but must be
// some address of global memory). This thread sees them after wait_for_async_copies, the others after a barrier behind it.
__device__ inline void copy_async_16(void *shared, const void *global, bool there = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global)), "r"(there ? 16 : 0)
               : "memory");
}

// The copies that this thread began since the last time are a group; it may be empty.
__device__ inline void commit_async_copies() { asm volatile("cp.async.commit_group;" : : : "memory"); }

// Waits until at most the newest `may_be_open` groups of this thread are on their way.
template <int may_be_open>
__device__ inline void wait_for_async_copies() {
  asm volatile("cp.async.wait_group %0;" : : "n"(may_be_open) : "memory");
}

#endif

// Two values in one register, the first in the lower half: how mma takes them.
__device__ inline uint32_t pack_bfloat16(float first, float second) {
  return static_cast<uint32_t>(__bfloat16_as_ushort(__float2bfloat16_rn(first))) |
         static_cast<uint32_t>(__bfloat16_as_ushort(__float2bfloat16_rn(second))) << 16;
}

}  // namespace ner_retriever::cuda
