#pragma once

#include <stdexcept>
#include <string>

#include "ner_retriever/status.h"

// What this library itself refuses; the status says whose fault it is.
struct Failure : std::runtime_error {
  ner_status status;

  Failure(ner_status what, const std::string &words) : std::runtime_error(words), status(what) {}
};
