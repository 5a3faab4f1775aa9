#include "fibers.h"

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(CUDA_EMULATION_RACES)
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__)
// cuda_emulation_switch(void **save, void *load): what a function call must keep lies on the stack that is left.
asm(R"(
.text
.hidden cuda_emulation_switch
.globl cuda_emulation_switch
.type cuda_emulation_switch, @function
cuda_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_emulation_switch, .-cuda_emulation_switch
)");
extern "C" void cuda_emulation_switch(void **save, void *load);
#endif

namespace cuda_emulation {

void prepare_fiber(Fiber &fiber, void (*entry)()) {
#if defined(__SANITIZE_ADDRESS__)
  // The last time it did not return from entry().
  constexpr size_t frames_of_entry = 4096;
  ASAN_UNPOISON_MEMORY_REGION(static_cast<char *>(fiber.stack) + fiber.stack_bytes - frames_of_entry, frames_of_entry);
#endif
  fiber.fake_stack = nullptr;
#if defined(CUDA_EMULATION_RACES)
  if (fiber.as_thread == nullptr) fiber.as_thread = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
  // As if entry() had been called: the address to return to is null, and below it lies where `ret` goes, and six registers.
  auto *top = reinterpret_cast<uintptr_t *>(static_cast<char *>(fiber.stack) + fiber.stack_bytes);
  *--top = 0;
  *--top = reinterpret_cast<uintptr_t>(entry);
  for (int saved = 0; saved < 6; ++saved) *--top = 0;
  fiber.stack_pointer = top;
#else
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = fiber.stack_bytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
#endif
}

void abandon_fiber(Fiber &fiber) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, fiber.stack_bytes);
#endif
#if defined(CUDA_EMULATION_RACES)
  __tsan_destroy_fiber(fiber.as_thread);
  fiber.as_thread = nullptr;
#else
  (void)fiber;
#endif
}

void switch_fiber(Fiber &from, Fiber &to, bool leaving) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(leaving ? nullptr : &from.fake_stack, to.stack, to.stack_bytes);
#else
  (void)leaving;
#endif
#if defined(CUDA_EMULATION_RACES)
  __tsan_switch_to_fiber(to.as_thread, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__x86_64__)
  cuda_emulation_switch(&from.stack_pointer, to.stack_pointer);
#else
  swapcontext(&from.context, &to.context);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void adopt_thread(Fiber &fiber) {
#if defined(CUDA_EMULATION_RACES)
  fiber.as_thread = __tsan_get_current_fiber();
#else
  (void)fiber;
#endif
}

void fiber_begins(Fiber *learn) {
#if defined(__SANITIZE_ADDRESS__)
  const void *stack = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &stack, &bytes);
  if (learn != nullptr) {
    learn->stack = const_cast<void *>(stack);
    learn->stack_bytes = bytes;
  }
#else
  (void)learn;
#endif
}

}  // namespace cuda_emulation
