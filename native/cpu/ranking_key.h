#pragma once

#include <cstdint>

namespace ner_retriever {

// A (score, row) pair as one 64-bit number that sorts as the ranking does: the score's bits, made monotonic, above the
// complement of the row number. NaN is the lowest score, -0 equals 0, equal scores go by lower row.
uint64_t make_key(float score, uint32_t row) noexcept;
float score_of_key(uint64_t key) noexcept;
uint32_t row_of_key(uint64_t key) noexcept;

}  // namespace ner_retriever
