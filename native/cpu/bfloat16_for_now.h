#pragma once

// Until the search of segments brings its own.

#include <cstddef>
#include <cstdint>
#include <cstring>

inline void ner_bfloat16_round(const float *values, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    const bool is_nan = values[i] != values[i];
    halves[i] = static_cast<uint16_t>(is_nan ? (bits >> 16 | 0x40u) : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }
}

inline void ner_bfloat16_widen(const uint16_t *halves, size_t count, float *values) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = uint32_t{halves[i]} << 16;
    std::memcpy(values + i, &bits, sizeof bits);
  }
}
