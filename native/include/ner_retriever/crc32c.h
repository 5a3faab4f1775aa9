#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// CRC-32C (Castagnoli) of `size` bytes. `seed` is 0, or the checksum of the bytes that come before these.
uint32_t ner_crc32c(const void *bytes, size_t size, uint32_t seed);

#ifdef __cplusplus
}
#endif
