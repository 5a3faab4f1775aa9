#pragma once

#include <cuda_runtime.h>

namespace ner_retriever::cuda {

// x / (1 + exp(-x)), within 4 ulp or so: it is rounded to bfloat16 next. Large negative x become -0, NaN stays.
__device__ inline float silu(float x) { return __fdividef(x, 1.0f + __expf(-x)); }

}  // namespace ner_retriever::cuda
