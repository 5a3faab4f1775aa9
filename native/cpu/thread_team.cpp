#include "thread_team.h"

#include <algorithm>
#include <system_error>

namespace ner_retriever {

namespace {

// Looks before a thread gives its core away: some tens of microseconds, the time between two works of a step.
constexpr int looks = 4000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadTeam::ThreadTeam(size_t threads) {
  try {
    while (members_.size() + 1 < threads) {
      Member &member = members_.emplace_back();
      member.thread = std::thread([this, &member] { live(member); });
    }
  } catch (const std::system_error &) {
    // No more threads to be had.
    members_.pop_back();
  }
}

ThreadTeam::~ThreadTeam() {
  ending_ = true;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    awake_.notify_all();
  }
  for (Member &member : members_) member.thread.join();
}

const ThreadTeam::Job ThreadTeam::taken;

void ThreadTeam::share(size_t count, size_t pieces, const std::function<void(size_t, size_t)> &work) {
  if (count == 0) return;
  // Several pieces a thread: who was kept from its core takes fewer.
  const size_t cut = std::max<size_t>(1, std::min({count, pieces, 4 * size()}));
  if (cut == 1 || size() == 1) return work(0, count);

  std::atomic<size_t> next{0};
  std::exception_ptr first_error;
  std::mutex first_error_mutex;
  const Job take_pieces = [&] {
    for (size_t piece; (piece = next.fetch_add(1)) < cut;) try {
        work(count * piece / cut, count * (piece + 1) / cut);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(first_error_mutex);
        if (!first_error) first_error = std::current_exception();
      }
  };
  for (Member &member : members_) member.job = &take_pieces;
  if (sleepers_ > 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    awake_.notify_all();
  }
  take_pieces();
  for (Member &member : members_) {
    const Job *offered = &take_pieces;
    if (member.job.compare_exchange_strong(offered, nullptr)) continue;
    for (int look = 0; member.job != nullptr; ++look) look < looks ? pause() : std::this_thread::yield();
  }
  if (first_error) std::rethrow_exception(first_error);
}

void ThreadTeam::live(Member &member) {
  while (const Job *job = wait_for_job(member)) {
    if (!member.job.compare_exchange_strong(job, &taken)) continue;
    (*job)();
    member.job = nullptr;
  }
}

const ThreadTeam::Job *ThreadTeam::wait_for_job(Member &member) {
  for (int look = 0; look < looks; ++look) {
    if (const Job *job = member.job) return job;
    if (ending_) return nullptr;
    pause();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  // Counted before it looks again: who brings a job looks here after bringing it, so one of the two sees the other.
  ++sleepers_;
  awake_.wait(lock, [&] { return member.job != nullptr || ending_; });
  --sleepers_;
  return member.job;
}

}  // namespace ner_retriever
