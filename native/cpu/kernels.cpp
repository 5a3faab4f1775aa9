#include "kernels.h"

#include "last_error.h"

namespace ner_retriever {

const Kernels *kernels_for(ner_instruction_set set) noexcept {
  if (!ner_instruction_set_available(set)) {
    fail(NER_UNAVAILABLE, "this machine does not have the instruction set that was asked for");
    return nullptr;
  }
#if defined(__x86_64__)
  if (set == NER_AVX512) return &avx512_kernels;
  if (set == NER_AVX2) return &avx2_kernels;
#endif
  return &scalar_kernels;
}

}  // namespace ner_retriever
