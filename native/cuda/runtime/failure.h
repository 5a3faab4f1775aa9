#pragma once

#include <stdexcept>
#include <string>

#include "ner_retriever/status.h"

namespace ner_retriever::cuda {

// What this library says no with; cuda_library.cu makes the status of it.
struct Failure : std::runtime_error {
  ner_status status;

  Failure(ner_status what, const std::string &words) : std::runtime_error(words), status(what) {}
};

}  // namespace ner_retriever::cuda
