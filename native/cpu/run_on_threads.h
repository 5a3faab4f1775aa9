#pragma once

#include <cstddef>
#include <exception>
#include <functional>

namespace ner_retriever {

// Calls work(0) … work(threads - 1), each on a thread of its own, the last on the calling one, and waits for all.
// Where the system gives fewer threads, the calling one does the rest. The first exception is thrown again.
void run_on_threads(size_t threads, const std::function<void(size_t)> &work);

}  // namespace ner_retriever
