#include "block.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <numeric>
#include <vector>

#include "cuda_runtime.h"
#include "fibers.h"
#include "races.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

// The kernels' static shared arrays, where the compiler put them together (cuda_runtime.h says when).
extern "C" {
extern unsigned char __start_cuda_emulation_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_cuda_emulation_shared[] __attribute__((weak, visibility("hidden")));
}

namespace cuda_emulation {

namespace {

constexpr size_t most_threads = 1024;
constexpr size_t stack_bytes = size_t{256} << 10;
constexpr unsigned lanes_in_warp = 32;

struct AsyncCopy {
  void *shared;
  const void *global;
  size_t bytes;
  size_t bytes_to_read;
};

enum class State { ready, at_barrier, at_exchange, done };

struct Thread {
  Fiber fiber;
  uint3 index;
  State state;
  Site site;
  std::deque<std::vector<AsyncCopy>> committed;
  std::vector<AsyncCopy> open;
};

struct Warp {
  unsigned arrived;
  unsigned generation;
  Site site;
  char synced[2];  // places for show() and see()
  // Of two exchanges, for a lane may be at the next while another still reads this one.
  alignas(16) unsigned char slots[2][lanes_in_warp][slot_bytes];
};

struct Block {
  std::vector<Thread> threads{most_threads};
  std::vector<Warp> warps{most_threads / lanes_in_warp};
  std::vector<unsigned> ready;
  unsigned count = 0;    // threads of this block
  unsigned done = 0;     // that have ended
  unsigned current = 0;  // that runs
  bool failed = false;
  unsigned arrived = 0;  // at the barrier
  Site barrier_site = {};
  unsigned barrier_generation = 0;
  // Places for show() and see().
  char started = 0;
  char ended = 0;
  char synced[2] = {};
  int votes[2] = {0, 0};
  const std::function<void()> *kernel = nullptr;
  void *shared = nullptr;
  Fiber scheduler;

  Block() {
    void *stacks = mmap(nullptr, most_threads * stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) std::abort();
    // Their tops lie in different lines of the cache, or all of them would drive each other out of it.
    for (size_t thread = 0; thread < most_threads; ++thread) {
      threads[thread].fiber.stack = static_cast<char *>(stacks) + thread * stack_bytes;
      threads[thread].fiber.stack_bytes = stack_bytes - thread % 64 * 17 * 64;
    }
  }
};

// One for the life of the process: kernels run one after the other, under the lock of the functions that start them.
Block &block() {
  static Block *made = new Block;
  return *made;
}

uint64_t chance_state = 0;
uint32_t chance_seed = 0;

const char *base_name(const char *file) {
  const char *slash = std::strrchr(file, '/');
  return slash == nullptr ? file : slash + 1;
}

void print_failure(const char *words, const Site &site) {
  std::fprintf(stderr, "CUDA emulation: %s (%s at %s:%d, block %u,%u,%u, thread %u,%u,%u, seed %u)\n", words, site.operation,
               base_name(site.file), site.line, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z,
               chance_seed);
}

// Some of the threads wait for others that will never come.
void print_deadlock() {
  const Block &now = block();
  std::fprintf(stderr,
               "CUDA emulation: threads of block %u,%u,%u wait for others that do not come (seed %u): %u of %u have ended\n",
               blockIdx.x, blockIdx.y, blockIdx.z, chance_seed, now.done, now.count);
  int printed = 0;
  for (unsigned thread = 0; thread < now.count; ++thread) {
    const Thread &waiting = now.threads[thread];
    if (waiting.state == State::done) continue;
    const Thread *before = thread == 0 ? nullptr : &now.threads[thread - 1];
    const bool news = before == nullptr || before->state == State::done || before->site.line != waiting.site.line ||
                      std::strcmp(before->site.operation, waiting.site.operation) != 0;
    if (!news) continue;
    std::fprintf(stderr, "  from thread %u on: %s at %s:%d\n", thread, waiting.site.operation, base_name(waiting.site.file),
                 waiting.site.line);
    if (++printed == 8) break;
  }
}

bool same_words(const char *left, const char *right) { return left == right || std::strcmp(left, right) == 0; }

bool same_site(const Site &left, const Site &right) {
  return left.line == right.line && same_words(left.operation, right.operation) && same_words(left.file, right.file);
}

void make_ready(unsigned thread) {
  Block &now = block();
  now.threads[thread].state = State::ready;
  now.ready.push_back(thread);
}

// What the thread has done is done for the host, too. Where the kernel has failed, nothing comes after it.
void go_to_scheduler(bool leaving) {
  Block &now = block();
  show(&now.ended);
  switch_fiber(now.threads[now.current].fiber, now.scheduler, leaving);
  if (now.failed) switch_fiber(now.threads[now.current].fiber, now.scheduler, true);
}

// Runs any thread that can run, or the scheduler where none can. Returns when this thread's turn comes again.
void run_another(bool leaving = false) {
  Block &now = block();
  Fiber &from = now.threads[now.current].fiber;
  if (now.ready.empty() || now.failed) {
    go_to_scheduler(leaving);
    return;
  }
  const size_t picked = chance_below(static_cast<uint32_t>(now.ready.size()));
  const unsigned next = now.ready[picked];
  now.ready[picked] = now.ready.back();
  now.ready.pop_back();
  if (next == now.current) return;
  now.current = next;
  threadIdx = now.threads[next].index;
  switch_fiber(from, now.threads[next].fiber, leaving);
  if (now.failed) go_to_scheduler(true);
}

void finish_copies(const std::vector<AsyncCopy> &copies) {
  for (const AsyncCopy &copy : copies) {
    if (copy.bytes_to_read > 0) std::memcpy(copy.shared, copy.global, copy.bytes_to_read);
    std::memset(static_cast<char *>(copy.shared) + copy.bytes_to_read, 0, copy.bytes - copy.bytes_to_read);
  }
}

void run_thread() {
  Block &now = block();
  // The first of a block comes from the scheduler.
  fiber_begins(now.scheduler.stack == nullptr ? &now.scheduler : nullptr);
  if (now.failed) go_to_scheduler(true);
  see(&now.started);
  (*now.kernel)();
  show(&now.ended);
  Thread &ending = now.threads[now.current];
  for (const std::vector<AsyncCopy> &group : ending.committed) finish_copies(group);
  finish_copies(ending.open);
  ending.state = State::done;
  ++now.done;
  run_another(true);
  std::abort();  // nobody wakes a thread that ended
}

bool run_block(const Grid &grid, const std::function<void()> &kernel) {
  Block &now = block();
  now.count = grid.threads[0] * grid.threads[1] * grid.threads[2];
  now.done = 0;
  now.failed = false;
  now.arrived = 0;
  now.kernel = &kernel;
  now.ready.clear();
  unsigned thread = 0;
  for (unsigned z = 0; z < grid.threads[2]; ++z)
    for (unsigned y = 0; y < grid.threads[1]; ++y)
      for (unsigned x = 0; x < grid.threads[0]; ++x, ++thread) {
        Thread &starting = now.threads[thread];
        starting.index = {x, y, z};
        starting.committed.clear();
        starting.open.clear();
        prepare_fiber(starting.fiber, run_thread);
        make_ready(thread);
      }
  for (unsigned warp = 0; warp * lanes_in_warp < now.count; ++warp) now.warps[warp].arrived = 0;

  // Nothing is left of the block before: 0xff is NaN as a float and -1 as an integer.
  std::memset(now.shared, 0xff, grid.shared_bytes);
  if (__start_cuda_emulation_shared != nullptr)
    std::memset(__start_cuda_emulation_shared, 0xff,
                static_cast<size_t>(__stop_cuda_emulation_shared - __start_cuda_emulation_shared));

  const size_t picked = chance_below(now.count);
  now.current = now.ready[picked];
  now.ready[picked] = now.ready.back();
  now.ready.pop_back();
  threadIdx = now.threads[now.current].index;
  now.scheduler.stack = nullptr;
  adopt_thread(now.scheduler);
  show(&now.started);
  switch_fiber(now.scheduler, now.threads[now.current].fiber);
  see(&now.ended);

  if (!now.failed && now.done == now.count) return true;
  if (!now.failed) print_deadlock();
  // The others come here once more, from where they wait.
  now.failed = true;
  for (thread = 0; thread < now.count; ++thread) {
    now.current = thread;
    if (now.threads[thread].state != State::done) switch_fiber(now.scheduler, now.threads[thread].fiber);
    abandon_fiber(now.threads[thread].fiber);
  }
  see(&now.ended);
  return false;
}

}  // namespace

void seed_chance(uint32_t seed) {
  chance_seed = seed;
  chance_state = (static_cast<uint64_t>(seed) << 1 | 1) * 0x9e3779b97f4a7c15u;
}

uint32_t chance() {
  if (chance_state == 0) {
    const char *given = std::getenv("NER_RETRIEVER_TEST_SEED");
    seed_chance(given == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(given, nullptr, 10)));
  }
  // xorshift64*
  chance_state ^= chance_state >> 12;
  chance_state ^= chance_state << 25;
  chance_state ^= chance_state >> 27;
  return static_cast<uint32_t>((chance_state * 0x2545f4914f6cdd1du) >> 32);
}

bool run_grid(const Grid &grid, const std::function<void()> &kernel) {
  blockDim = dim3(grid.threads[0], grid.threads[1], grid.threads[2]);
  gridDim = dim3(grid.blocks[0], grid.blocks[1], grid.blocks[2]);
  const uint64_t count = uint64_t{grid.blocks[0]} * grid.blocks[1] * grid.blocks[2];

  // Of its own size exactly, so that AddressSanitizer sees who goes beyond it.
  void *shared = nullptr;
  if (posix_memalign(&shared, 128, grid.shared_bytes) != 0) std::abort();
  const std::unique_ptr<void, void (*)(void *)> owned(shared, std::free);
  block().shared = shared;

  // All blocks, in steps that meet each of them once.
  uint64_t step = chance_below(static_cast<uint32_t>(count)) | 1;
  while (std::gcd(step, count) != 1) step += 2;
  uint64_t at = chance_below(static_cast<uint32_t>(count));
  for (uint64_t done = 0; done < count; ++done, at = (at + step) % count) {
    blockIdx = {static_cast<unsigned>(at % grid.blocks[0]), static_cast<unsigned>(at / grid.blocks[0] % grid.blocks[1]),
                static_cast<unsigned>(at / grid.blocks[0] / grid.blocks[1])};
    if (!run_block(grid, kernel)) return false;
  }
  return true;
}

void fail_kernel(const char *words, const Site &site) {
  print_failure(words, site);
  block().failed = true;
  run_another();
  std::abort();
}

void wait_for_block(const Site &site) {
  Block &now = block();
  Thread &self = now.threads[now.current];
  if (now.arrived == 0)
    now.barrier_site = site;
  else if (!same_site(now.barrier_site, site))
    fail_kernel("threads of a block wait at different barriers", site);
  self.site = site;
  char *synced = &now.synced[now.barrier_generation % 2];
  show(synced);
  if (++now.arrived < now.count) {
    self.state = State::at_barrier;
  } else {
    now.arrived = 0;
    ++now.barrier_generation;
    for (unsigned thread = 0; thread < now.count; ++thread) make_ready(thread);
  }
  run_another();
  see(synced);
}

BlockVotes vote_in_block(int predicate, const Site &site) {
  Block &now = block();
  int &votes = now.votes[now.barrier_generation % 2];
  if (now.arrived == 0) votes = 0;
  if (predicate != 0) ++votes;
  wait_for_block(site);
  return {votes > 0, votes == static_cast<int>(now.count), votes};
}

const unsigned char *exchange_in_warp(const void *value, size_t bytes, Memory memory, const Site &site) {
  Block &now = block();
  const unsigned thread = now.current;
  const unsigned first = thread / lanes_in_warp * lanes_in_warp;
  Warp &warp = now.warps[thread / lanes_in_warp];
  if (first + lanes_in_warp > now.count) fail_kernel("a warp of fewer than 32 threads does what 32 must do together", site);
  if (warp.arrived == 0)
    warp.site = site;
  else if (!same_site(warp.site, site))
    fail_kernel("lanes of a warp are at different places", site);
  now.threads[thread].site = site;
  auto &slots = warp.slots[warp.generation % 2];
  const auto *from = static_cast<const unsigned char *>(value);
  for (size_t byte = 0; byte < bytes; ++byte) slots[thread - first][byte] = from[byte];  // memcpy would be watched
  char *synced = memory == Memory::ordered ? &warp.synced[warp.generation % 2] : nullptr;
  if (synced != nullptr) show(synced);
  if (++warp.arrived < lanes_in_warp) {
    now.threads[thread].state = State::at_exchange;
  } else {
    warp.arrived = 0;
    ++warp.generation;
    for (unsigned lane = 0; lane < lanes_in_warp; ++lane) make_ready(first + lane);
  }
  run_another();
  if (synced != nullptr) see(synced);
  return slots[0];
}

unsigned lane_of_thread() { return block().current % lanes_in_warp; }

void *dynamic_shared_memory() { return block().shared; }

void copy_async(void *shared, const void *global, size_t bytes, size_t bytes_to_read) {
  const AsyncCopy copy{shared, global, bytes, bytes_to_read};
  if (chance() % 2 == 0)
    finish_copies({copy});
  else
    block().threads[block().current].open.push_back(copy);
}

void commit_async_copies() {
  Thread &self = block().threads[block().current];
  self.committed.push_back(std::move(self.open));
  self.open.clear();
}

void wait_for_async_copies(unsigned groups_that_may_be_open) {
  Thread &self = block().threads[block().current];
  while (self.committed.size() > groups_that_may_be_open) {
    finish_copies(self.committed.front());
    self.committed.pop_front();
  }
}

void maybe_yield() {
  if (chance() % 16 != 0) return;
  make_ready(block().current);
  run_another();
}

}  // namespace cuda_emulation
