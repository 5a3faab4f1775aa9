#pragma once

#include <cstddef>
#include <cstdint>

#include "ner_retriever/search.h"

namespace ner_retriever {

// What may be found: ner_selection, or everything.
class Selection {
 public:
  explicit Selection(const ner_selection *given) noexcept : given_(given == nullptr ? ner_selection{} : *given) {}

  bool has_documents() const noexcept { return given_.documents != nullptr; }
  uint32_t first_row() const noexcept { return given_.first_row; }

  bool allows(uint32_t document) const noexcept {
    if (given_.documents == nullptr) return true;
    const size_t byte = document / 8;
    return byte < given_.documents_bytes && (given_.documents[byte] >> (document % 8) & 1u) != 0;
  }

 private:
  ner_selection given_;
};

}  // namespace ner_retriever
