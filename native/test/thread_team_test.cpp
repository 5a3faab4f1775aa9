#include "thread_team.h"

#include <chrono>
#include <stdexcept>

#include "harness.h"

using namespace ner_retriever;

TEST("every unit is worked on once, by any number of threads, in works that follow each other closely or not") {
  for (const size_t threads : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{9}}) {
    ThreadTeam team(threads);
    CHECK(team.size() >= 1 && team.size() <= std::max<size_t>(threads, 1), std::to_string(team.size()));
    for (int round = 0; round < 300; ++round) {
      // Long enough that the threads fall asleep, now and then.
      if (round % 100 == 50) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      const size_t count = random_size(0, 40), pieces = random_size(0, 50);
      std::vector<int> times(count, 0);
      std::atomic<size_t> calls{0};
      team.share(count, pieces, [&](size_t begin, size_t end) {
        ++calls;
        for (size_t i = begin; i < end; ++i) ++times[i];
      });
      CHECK(calls <= std::max<size_t>(pieces, 1) && (count == 0) == (calls == 0), std::to_string(calls));
      for (const int each : times) CHECK(each == 1, std::to_string(each));
    }
  }
}

TEST("an exception of any thread comes back when all have ended, and the team goes on") {
  ThreadTeam team(4);
  for (size_t wrong = 0; wrong < 4; ++wrong) {
    std::atomic<size_t> ended{0};
    bool thrown = false;
    try {
      team.share(4, 4, [&](size_t begin, size_t) {
        ++ended;
        if (begin == wrong) throw std::runtime_error("part");
      });
    } catch (const std::runtime_error &) {
      thrown = true;
    }
    CHECK(thrown && ended == 4, std::to_string(ended));
  }
}

int main() { return run_all(); }
