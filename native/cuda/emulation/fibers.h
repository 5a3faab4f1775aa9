#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace cuda_emulation {

// A stack and the place on it where it goes on. A block of 1024 threads changes between them at each barrier, so a change
// is a few instructions on x86-64; elsewhere the C library's own, which asks the kernel each time.
struct Fiber {
#if defined(__x86_64__)
  void *stack_pointer = nullptr;
#else
  ucontext_t context = {};
#endif
  // What AddressSanitizer is told, so that it knows which stack is in use.
  void *stack = nullptr;
  size_t stack_bytes = 0;
  void *fake_stack = nullptr;
  // What ThreadSanitizer knows it by: for it, a thread of its own.
  void *as_thread = nullptr;
};

// Makes `fiber` begin with entry(), on its stack, when it is next switched to. entry() must not return.
void prepare_fiber(Fiber &fiber, void (*entry)());

// For one that will not be switched to any more before it is prepared again, though entry() has not come to its end.
void abandon_fiber(Fiber &fiber);

// Goes on in `to`; returns when somebody switches back to `from`. `leaving`: nobody ever will.
void switch_fiber(Fiber &from, Fiber &to, bool leaving = false);

// For the fiber that is the calling thread itself.
void adopt_thread(Fiber &fiber);

// The first thing that entry() must do; `from` is the fiber of the thread that runs them all (its stack is learned here).
void fiber_begins(Fiber *learn);

}  // namespace cuda_emulation
