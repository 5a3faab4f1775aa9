#include "ner_retriever/crc32c.h"

#include <cstring>

#include "crc32c_sse42.h"
#include "harness.h"

namespace {

// Bit by bit, from the definition.
uint32_t reference(const std::vector<unsigned char> &bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0u);
  }
  return ~crc;
}

}  // namespace

TEST("the published check value") {
  CHECK(ner_crc32c("123456789", 9, 0) == 0xE3069283u, "hardware, where there is");
  CHECK(ner_retriever::crc32c_portable("123456789", 9, 0) == 0xE3069283u, "tables");
}

TEST("any length agrees with the definition, in one piece and in two") {
  for (int round = 0; round < 300; ++round) {
    const size_t size = round < 100 ? static_cast<size_t>(round) : random_size(0, 40000);
    std::vector<unsigned char> bytes(size + 1);
    for (unsigned char &byte : bytes) byte = static_cast<unsigned char>(random_size(0, 255));
    bytes.resize(size);
    const uint32_t expected = reference(bytes);
    const size_t cut = random_size(0, size);
    const std::string about = std::to_string(size) + " bytes";
    CHECK(ner_crc32c(bytes.data(), size, 0) == expected, about);
    CHECK(ner_retriever::crc32c_portable(bytes.data(), size, 0) == expected, about);
    CHECK(ner_crc32c(bytes.data() + cut, size - cut, ner_crc32c(bytes.data(), cut, 0)) == expected, about);
  }
}

int main() { return run_all(); }
