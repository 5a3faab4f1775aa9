#pragma once

#include <string>

#include "ner_retriever/status.h"

namespace ner_retriever {

// Keeps the words for ner_last_error() and gives the status back, so that a failing function ends in one line.
ner_status fail(ner_status status, const std::string &words) noexcept;

// For the end of a function that may throw: turns the exception that is being handled into a status.
ner_status fail_with_current_exception() noexcept;

}  // namespace ner_retriever
