#pragma once

#include <cstddef>
#include <cstdint>

namespace ner_retriever {

// Sorts keys from the highest to the lowest, on at most `threads` threads. Beside them it takes half their memory.
void sort_keys(uint64_t *keys, size_t count, unsigned threads);

}  // namespace ner_retriever
