#pragma once

// What ThreadSanitizer is told (preset "races"), for which each thread of a block is a thread: which of them have waited for each
// other. What two threads do with the same memory without having waited is a race, and ends the test. Elsewhere, nothing.

// Before a function: what the emulation does itself, of which no thread of a block knows.
#define CUDA_EMULATION_UNWATCHED __attribute__((no_sanitize("thread")))

#if defined(CUDA_EMULATION_RACES)
extern "C" {
void __tsan_acquire(void *place);
void __tsan_release(void *place);
}
#endif

namespace cuda_emulation {

// What this thread has done until now is done for whoever calls see() with the same place later.
inline void show(void *place) {
#if defined(CUDA_EMULATION_RACES)
  __tsan_release(place);
#else
  (void)place;
#endif
}

inline void see(void *place) {
#if defined(CUDA_EMULATION_RACES)
  __tsan_acquire(place);
#else
  (void)place;
#endif
}

}  // namespace cuda_emulation
