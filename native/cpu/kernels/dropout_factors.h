#pragma once

#include <cstddef>
#include <cstdint>

namespace {

// A bijection of 32 bits that leaves no pattern of its input visible (the "lowbias32" hash).
inline uint32_t scramble(uint32_t bits) {
  bits ^= bits >> 16;
  bits *= 0x7feb352du;
  bits ^= bits >> 15;
  bits *= 0x846ca68bu;
  bits ^= bits >> 16;
  return bits;
}

// A unit's number, hashed with both halves of the key, against the share that is dropped. The compiler makes vectors of
// the loop: all of it is 32-bit integer work.
inline void dropout_factors(uint64_t key, uint64_t first, float dropout, float *factors, size_t count) {
  const auto low = static_cast<uint32_t>(key), high = static_cast<uint32_t>(key >> 32);
  const auto threshold = static_cast<uint32_t>(static_cast<double>(dropout) * 4294967296.0);
  const float kept = 1.0f / (1.0f - dropout);
  const auto start = static_cast<uint32_t>(first);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t hash = scramble(scramble(start + static_cast<uint32_t>(i) + low) ^ high);
    factors[i] = hash < threshold ? 0.0f : kept;
  }
}

}  // namespace
