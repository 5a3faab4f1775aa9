#pragma once

#include "ner_retriever/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// In rising order: what runs on one set's machine may also be asked to use every set below it.
typedef enum ner_instruction_set {
  NER_SCALAR = 0, // portable code: nothing beyond the platform's baseline
  NER_AVX2 = 1,   // AVX2 and FMA
  NER_AVX512 = 2, // AVX-512 F, BW, DQ and VL
} ner_instruction_set;

// "scalar", "avx2" or "avx512".
const char *ner_instruction_set_name(ner_instruction_set set);

// 1 when this build and this machine can run it, else 0.
int ner_instruction_set_available(ner_instruction_set set);

// The best available set that is not above `cap`. `cap` is a name, or null (or "") for no cap.
// NER_INVALID_ARGUMENT when it is no such name.
ner_status ner_instruction_set_choose(const char *cap, ner_instruction_set *chosen);

#ifdef __cplusplus
}
#endif
