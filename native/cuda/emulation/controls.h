#pragma once

#include <stddef.h>
#include <stdint.h>

// What a test may do to the emulated device. The emulated library exports cuda_emulation_controls beside its table; the real one
// has no such symbol, which is how a test knows which it has.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cuda_emulation_streams {
  CUDA_EMULATION_RANDOM = 0, // whatever is queued is done now, later, or in part, as chance will have it
  CUDA_EMULATION_LAZY = 1,   // nothing is done before somebody must wait for it
  CUDA_EMULATION_EAGER = 2,  // everything is done at once
} cuda_emulation_streams;

typedef struct cuda_emulation_controls_table {
  // The device as it was at the start: one, of 4 GiB, random streams, no errors to come. What is allocated stays.
  // A sticky error ends too, which a real device would only forget with its process.
  void (*reset)(void);
  void (*seed)(uint32_t seed);
  void (*set_streams)(cuda_emulation_streams streams);
  void (*set_device_count)(int count);
  void (*set_driver_version)(int version);   // 0: there is no driver. Below the runtime's: too old
  void (*set_has_code)(int has_code);        // 0: the library has none for this device
  void (*set_memory)(size_t bytes);          // of the device
  void (*fail_allocation)(unsigned nth);     // the nth from now on fails, as if the memory were full. 0: none
  void (*fail_launch)(unsigned nth);         // the nth kernel from now on ends with an illegal address, for good
  size_t (*allocated)(void);                 // bytes of the device now
  size_t (*pinned)(void);                    // bytes of the host now
  size_t (*waits)(void);                     // how often the host waited for a stream or an event, or freed memory
  size_t (*launches)(void);
  size_t (*allocations)(void);
} cuda_emulation_controls_table;

const cuda_emulation_controls_table *cuda_emulation_controls(void);

#ifdef __cplusplus
}
#endif
