#pragma once

#include <cstddef>

// The GPUs of this machine, as CUDA's runtime sees them. 0 of them where there is no driver: asking ends no process.
int device_count();

// Bytes of a GPU's memory that nobody holds. Throws Failure.
size_t free_device_memory(int device);
