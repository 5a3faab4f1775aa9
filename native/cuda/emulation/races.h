#pragma once

// What ThreadSanitizer is told (preset "races"), for which each thread of a block is a thread: which of them have waited for each
// other. What two threads do with the same memory without having waited is a race, and ends the test. Elsewhere, nothing.

#if defined(CUDA_EMULATION_RACES)
extern "C" {
void __tsan_acquire(void *place);
void __tsan_release(void *place);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
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

// While one lives: what the emulation does itself, and no thread of a block.
class NoRaces {
 public:
#if defined(CUDA_EMULATION_RACES)
  NoRaces() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~NoRaces() {
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  }
#else
  NoRaces() {}
  ~NoRaces() {}
#endif
  NoRaces(const NoRaces &) = delete;
  NoRaces &operator=(const NoRaces &) = delete;
};

}  // namespace cuda_emulation
