#pragma once

#include <faiss/IndexIVF.h>

namespace faiss::gpu {

using GpuIndexIVF = IndexIVF;

}  // namespace faiss::gpu
