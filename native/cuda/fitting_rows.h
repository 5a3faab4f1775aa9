#pragma once

#include <cstddef>

#include "runtime/failure.h"

namespace ner_retriever::cuda {

// allocate(rows) for as many rows as the device's memory has room for: `wanted`, or half of them, or half of those...
template <class Allocate>
auto allocate_fitting_rows(size_t wanted, const Allocate &allocate) {
  for (size_t rows = wanted;; rows = (rows + 1) / 2) {
    try {
      return allocate(rows);
    } catch (const Failure &failure) {
      if (failure.status != NER_OUT_OF_MEMORY || rows <= 1) throw;
    }
  }
}

}  // namespace ner_retriever::cuda
