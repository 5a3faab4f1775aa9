#include "ner_retriever/instruction_set.h"

#include <cstring>
#include <string>

#include "last_error.h"

namespace {
constexpr ner_instruction_set best_first[] = {NER_AVX512, NER_AVX2, NER_SCALAR};
}

const char *ner_instruction_set_name(ner_instruction_set set) {
  switch (set) {
    case NER_SCALAR: return "scalar";
    case NER_AVX2: return "avx2";
    case NER_AVX512: return "avx512";
  }
  return "unknown";
}

int ner_instruction_set_available(ner_instruction_set set) {
  if (set == NER_SCALAR) return 1;
#if defined(__x86_64__)
  // These ask the operating system too (xgetbv): a processor may have registers that nobody saves.
  if (set == NER_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == NER_AVX512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  return 0;
}

ner_status ner_instruction_set_choose(const char *cap, ner_instruction_set *chosen) {
  const bool capped = cap != nullptr && *cap != '\0';
  bool below_cap = !capped;
  for (const ner_instruction_set set : best_first) {
    if (capped && std::strcmp(cap, ner_instruction_set_name(set)) == 0) below_cap = true;
    if (below_cap && ner_instruction_set_available(set)) {
      *chosen = set;
      return NER_OK;
    }
  }
  try {
    return ner_retriever::fail(NER_INVALID_ARGUMENT,
                               "expected scalar, avx2 or avx512 as instruction set, got '" + std::string(cap) + "'");
  } catch (...) {
    return ner_retriever::fail_with_current_exception();
  }
}
