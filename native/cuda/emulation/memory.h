#pragma once

#include <cstddef>

namespace cuda_emulation {

// For the pool, which hands out blocks that are larger than was asked for, and used before: only the first `bytes` of the
// block (a whole one of cudaMalloc) may be touched from now on, and nothing of its past is left. Nothing queued may use it.
void hand_out(void *block, size_t bytes);

}  // namespace cuda_emulation
