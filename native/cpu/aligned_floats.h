#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace ner_retriever {

struct FreeMemory {
  void operator()(void *memory) const noexcept { std::free(memory); }
};

// Memory that begins on a cache line (a vector load never crosses two), not initialised.
using AlignedFloats = std::unique_ptr<float[], FreeMemory>;

inline AlignedFloats make_aligned_floats(size_t count) {
  constexpr size_t line = 64;
  if (count > (static_cast<size_t>(-1) - line) / sizeof(float)) throw std::bad_alloc();
  const size_t bytes = (count * sizeof(float) + line) / line * line;
  void *memory = std::aligned_alloc(line, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedFloats(static_cast<float *>(memory));
}

}  // namespace ner_retriever
