#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

// How a kernel's threads run: those of a block as fibers that take turns at barriers, in an order that chance decides; the
// blocks one after the other, in such an order too. So what a kernel leaves to chance comes out differently from seed to seed.

namespace cuda_emulation {

// Where in the source a thread waits.
struct Site {
  const char *operation;
  const char *file;
  int line;
};

struct Grid {
  unsigned blocks[3];
  unsigned threads[3];
  size_t shared_bytes;
};

// Runs the kernel. False when it did what a kernel must not do, which has been printed.
bool run_grid(const Grid &grid, const std::function<void()> &kernel);

// For the time of a kernel, by the thread that runs:

// Waits until every thread of the block is here. A thread that ended or waits elsewhere is an error.
void wait_for_block(const Site &site);

// The same, and what all of them said.
struct BlockVotes {
  int any;
  int all;
  int count;
};
BlockVotes vote_in_block(int predicate, const Site &site);

// Puts `bytes` (at most 64) into this lane's slot, waits until each of the warp's 32 lanes has, and gives the 32 slots, 64
// bytes apart, which stay as they are until this lane's next exchange. Of all that lanes do together only __syncwarp orders what
// they do with memory.
constexpr size_t slot_bytes = 64;
enum class Memory { ordered, unordered };
const unsigned char *exchange_in_warp(const void *value, size_t bytes, Memory memory, const Site &site);

unsigned lane_of_thread();

void *dynamic_shared_memory();

// cp.async: done now or at the wait, as chance will have it; so a missing wait shows, and so does one that comes too late.
void copy_async(void *shared, const void *global, size_t bytes, size_t bytes_to_read);
void commit_async_copies();
void wait_for_async_copies(unsigned groups_that_may_be_open);

// Lets other threads run now and then; what is atomic calls it.
void maybe_yield();

// Ends the kernel with an error.
[[noreturn]] void fail_kernel(const char *words, const Site &site);

// Chance, from NER_RETRIEVER_TEST_SEED or seed_chance().
uint32_t chance();
inline uint32_t chance_below(uint32_t bound) {
  return static_cast<uint32_t>((static_cast<uint64_t>(chance()) * bound) >> 32);
}
void seed_chance(uint32_t seed);

}  // namespace cuda_emulation
