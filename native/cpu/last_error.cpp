#include "last_error.h"

#include <cstdio>
#include <exception>
#include <new>

namespace {
thread_local char last_error[512] = "";
}

const char *ner_last_error(void) { return last_error; }

namespace ner_retriever {

ner_status fail(ner_status status, const std::string &words) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", words.c_str());
  return status;
}

ner_status fail_with_current_exception() noexcept {
  const auto keep = [](ner_status status, const char *words) {
    std::snprintf(last_error, sizeof last_error, "%s", words);
    return status;
  };
  try {
    throw;
  } catch (const std::bad_alloc &) {
    return keep(NER_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return keep(NER_FAILED, error.what());
  } catch (...) {
    return keep(NER_FAILED, "an unknown error");
  }
}

}  // namespace ner_retriever
