// CRC-32C by the processor's own instruction. It takes three cycles and one may start in each, so three stretches of
// the bytes run side by side; a table then moves the first two past the length of a stretch.

#include "crc32c_sse42.h"

#include <nmmintrin.h>

namespace {

constexpr size_t stretch = 4096;
constexpr uint32_t polynomial = 0x82F63B78u;

// shift[t][b]: the register with byte t equal to b, after `stretch` zero bytes.
struct ShiftTable {
  uint32_t shift[4][256];
};

constexpr uint32_t times(const uint32_t (&matrix)[32], uint32_t vector) {
  uint32_t result = 0;
  for (int bit = 0; bit < 32; ++bit)
    if ((vector >> bit & 1u) != 0) result ^= matrix[bit];
  return result;
}

constexpr ShiftTable make_shift_table() {
  // matrix[bit]: the register with that one bit, after one zero bit; squared 15 times, after 4096 zero bytes.
  uint32_t matrix[32] = {};
  matrix[0] = polynomial;
  for (int bit = 1; bit < 32; ++bit) matrix[bit] = 1u << (bit - 1);
  for (size_t bits = 1; bits < stretch * 8; bits *= 2) {
    uint32_t square[32] = {};
    for (int bit = 0; bit < 32; ++bit) square[bit] = times(matrix, matrix[bit]);
    for (int bit = 0; bit < 32; ++bit) matrix[bit] = square[bit];
  }
  ShiftTable table{};
  for (uint32_t byte = 0; byte < 4; ++byte)
    for (uint32_t value = 0; value < 256; ++value) table.shift[byte][value] = times(matrix, value << (8 * byte));
  return table;
}

constexpr ShiftTable table = make_shift_table();

uint32_t shift_by_stretch(uint32_t crc) {
  return table.shift[0][crc & 255u] ^ table.shift[1][crc >> 8 & 255u] ^ table.shift[2][crc >> 16 & 255u] ^
         table.shift[3][crc >> 24];
}

uint64_t load(const unsigned char *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

uint32_t ner_retriever::crc32c_sse42(const unsigned char *bytes, size_t size, uint32_t crc) {
  for (; size >= 3 * stretch; bytes += 3 * stretch, size -= 3 * stretch) {
    uint64_t first = crc;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < stretch; i += 8) {
      first = _mm_crc32_u64(first, load(bytes + i));
      second = _mm_crc32_u64(second, load(bytes + stretch + i));
      third = _mm_crc32_u64(third, load(bytes + 2 * stretch + i));
    }
    const uint32_t two = shift_by_stretch(static_cast<uint32_t>(first)) ^ static_cast<uint32_t>(second);
    crc = shift_by_stretch(two) ^ static_cast<uint32_t>(third);
  }
  uint64_t wide = crc;
  for (; size >= 8; bytes += 8, size -= 8) wide = _mm_crc32_u64(wide, load(bytes));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++bytes, --size) crc = _mm_crc32_u8(crc, *bytes);
  return crc;
}
