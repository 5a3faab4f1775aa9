#include "int8_kernels.h"

namespace ner_retriever {

const Int8Kernels &int8_kernels_for(ner_instruction_set set) noexcept {
#if defined(__x86_64__)
  if (set == NER_AVX512 && __builtin_cpu_supports("avx512vnni")) return avx512_vnni_int8_kernels;
  if (set >= NER_AVX2) return avx2_int8_kernels;
#endif
  (void)set;
  return scalar_int8_kernels;
}

}  // namespace ner_retriever
