#pragma once

#include "ner_retriever/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// bfloat16 is the upper half of a float32: its range, and 8 bits of its precision.

// To the nearest, ties to even; what is beyond the largest bfloat16 becomes infinite, and NaN stays NaN.
void ner_bfloat16_round(const float *values, size_t count, uint16_t *halves);

// Exact.
void ner_bfloat16_widen(const uint16_t *halves, size_t count, float *values);

#ifdef __cplusplus
}
#endif
