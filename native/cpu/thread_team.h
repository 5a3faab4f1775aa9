#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ner_retriever {

// Threads for a row of short works, one after the other: those of a training step take a fraction of a millisecond each,
// less than it takes to start a thread. The threads live as long as the team, which is one call of the library.
class ThreadTeam {
 public:
  // At most `threads`, the calling one among them; fewer where the system gives fewer.
  explicit ThreadTeam(size_t threads);
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;
  ~ThreadTeam();

  size_t size() const { return members_.size() + 1; }

  // Calls work(begin, end) for pieces of [0, count), at most `pieces` of them, and waits for all. Each thread takes the
  // next piece when it is free, the calling one too: where the others get no core, it does the work alone and waits for
  // nobody. The first exception is thrown again.
  void share(size_t count, size_t pieces, const std::function<void(size_t, size_t)> &work);

 private:
  using Job = std::function<void()>;

  struct Member {
    // What it may do; `taken` once it has begun, null again when it has done it, or when all was done without it.
    std::atomic<const Job *> job{nullptr};
    std::thread thread;
  };

  static const Job taken;

  void live(Member &member);
  // Null when the team ends.
  const Job *wait_for_job(Member &member);

  std::deque<Member> members_;
  std::atomic<bool> ending_{false};
  // Those that have waited for a while sleep.
  std::atomic<size_t> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable awake_;
};

}  // namespace ner_retriever
