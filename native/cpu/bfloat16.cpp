#include "ner_retriever/bfloat16.h"

#include <cstring>

void ner_bfloat16_round(const float *values, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    const bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    const uint32_t quiet = bits >> 16 | 0x40u;  // whose upper half might be an infinity's otherwise
    const uint32_t nearest = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    halves[i] = static_cast<uint16_t>(is_nan ? quiet : nearest);
  }
}

void ner_bfloat16_widen(const uint16_t *halves, size_t count, float *values) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = uint32_t{halves[i]} << 16;
    std::memcpy(values + i, &bits, sizeof bits);
  }
}
