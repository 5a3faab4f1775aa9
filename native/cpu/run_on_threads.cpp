#include "run_on_threads.h"

#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace ner_retriever {

void run_on_threads(size_t threads, const std::function<void(size_t)> &work) {
  std::exception_ptr first_error;
  std::mutex first_error_mutex;
  const auto guarded = [&](size_t thread) {
    try {
      work(thread);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(first_error_mutex);
      if (!first_error) first_error = std::current_exception();
    }
  };

  std::vector<std::thread> started;
  started.reserve(threads);
  size_t next = 0;
  try {
    for (; next + 1 < threads; ++next) started.emplace_back(guarded, next);
  } catch (const std::system_error &) {
    // No more threads to be had: the loop below does what was not started.
  }
  for (; next < threads; ++next) guarded(next);
  for (std::thread &thread : started) thread.join();
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace ner_retriever
