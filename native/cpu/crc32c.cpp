#include "ner_retriever/crc32c.h"

#include <array>

#include "crc32c_sse42.h"

namespace {

// The reversed Castagnoli polynomial.
constexpr uint32_t polynomial = 0x82F63B78u;

// Eight bytes a step ("slicing by eight"): tables[t][b] is the effect of byte b with t more bytes to come.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? polynomial : 0u);
    tables[0][byte] = crc;
  }
  for (size_t table = 1; table < 8; ++table)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8) ^ tables[0][before & 255u];
    }
  return tables;
}

constexpr auto tables = make_tables();

uint32_t crc32c_table(const unsigned char *bytes, size_t size, uint32_t crc) {
  for (; size >= 8; bytes += 8, size -= 8) {
    const uint32_t low = crc ^ (uint32_t{bytes[0]} | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 |
                                uint32_t{bytes[3]} << 24);
    crc = tables[7][low & 255u] ^ tables[6][(low >> 8) & 255u] ^ tables[5][(low >> 16) & 255u] ^ tables[4][low >> 24] ^
          tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^ tables[0][bytes[7]];
  }
  for (; size > 0; ++bytes, --size) crc = (crc >> 8) ^ tables[0][(crc ^ *bytes) & 255u];
  return crc;
}

}  // namespace

uint32_t ner_crc32c(const void *bytes, size_t size, uint32_t seed) {
  const auto *begin = static_cast<const unsigned char *>(bytes);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~ner_retriever::crc32c_sse42(begin, size, ~seed);
#endif
  return ~crc32c_table(begin, size, ~seed);
}

uint32_t ner_retriever::crc32c_portable(const void *bytes, size_t size, uint32_t seed) {
  return ~crc32c_table(static_cast<const unsigned char *>(bytes), size, ~seed);
}
