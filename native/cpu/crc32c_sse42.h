#pragma once

#include <cstddef>
#include <cstdint>

namespace ner_retriever {

// The bare register: without the complements that begin and end a checksum.
uint32_t crc32c_sse42(const unsigned char *bytes, size_t size, uint32_t crc);

// ner_crc32c by tables, whatever the machine has. For tests.
uint32_t crc32c_portable(const void *bytes, size_t size, uint32_t seed);

}  // namespace ner_retriever
