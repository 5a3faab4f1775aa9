/** What the native kernels can be compiled for: portable code, AVX2 with FMA, or AVX-512 (F, BW, DQ, VL). */
export type InstructionSet = 'scalar' | 'avx2' | 'avx512';
