#include "ranking_key.h"

#include <cstring>
#include <limits>

namespace ner_retriever {

namespace {
constexpr uint32_t sign_bit = 0x80000000u;
}

uint64_t make_key(float score, uint32_t row) noexcept {
  uint32_t bits = 0;  // NaN
  if (score == score) {
    const float canonical = score + 0.0f;  // -0 becomes 0
    std::memcpy(&bits, &canonical, sizeof bits);
    bits = (bits & sign_bit) != 0 ? ~bits : bits | sign_bit;
  }
  return static_cast<uint64_t>(bits) << 32 | static_cast<uint32_t>(~row);
}

float score_of_key(uint64_t key) noexcept {
  uint32_t bits = static_cast<uint32_t>(key >> 32);
  if (bits == 0) return std::numeric_limits<float>::quiet_NaN();
  bits = (bits & sign_bit) != 0 ? bits & ~sign_bit : ~bits;
  float score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

uint32_t row_of_key(uint64_t key) noexcept { return ~static_cast<uint32_t>(key); }

}  // namespace ner_retriever
