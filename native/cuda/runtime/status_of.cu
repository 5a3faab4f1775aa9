#include "status_of.h"

#include <cstdio>
#include <exception>
#include <new>

#include "failure.h"

namespace ner_retriever::cuda {

namespace {

thread_local char words[1024] = "";

ner_status keep(ner_status status, const char *said) {
  std::snprintf(words, sizeof words, "%s", said);
  return status;
}

}  // namespace

const char *last_error() noexcept { return words; }

ner_status status_of_current_exception() noexcept {
  try {
    throw;
  } catch (const Failure &failure) {
    return keep(failure.status, failure.what());
  } catch (const std::bad_alloc &) {
    return keep(NER_OUT_OF_MEMORY, "the host is out of memory");
  } catch (const std::exception &error) {
    return keep(NER_FAILED, error.what());
  } catch (...) {
    return keep(NER_FAILED, "an unknown error");
  }
}

}  // namespace ner_retriever::cuda
