#pragma once

#include "ner_retriever/status.h"

namespace ner_retriever::cuda {

// The words of the last failure on this thread.
const char *last_error() noexcept;

// For a catch-all: keeps the words of the exception that is being handled and gives its status.
ner_status status_of_current_exception() noexcept;

// Does `work`; what it throws becomes the status.
template <class Work>
ner_status status_of(const Work &work) noexcept {
  try {
    work();
    return NER_OK;
  } catch (...) {
    return status_of_current_exception();
  }
}

}  // namespace ner_retriever::cuda
