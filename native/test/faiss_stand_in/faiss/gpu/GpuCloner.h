#pragma once

#include <faiss/Index.h>

#include <vector>

// As much of FAISS's GPUs as our sources use, with copies in the host's memory in their place: how indexes are chosen,
// measured, shared out, changed and copied back is then run where there is no GPU. What FAISS's own kernels do is not.

namespace faiss::gpu {

struct GpuResourcesProvider;

struct GpuClonerOptions {
  bool useFloat16 = false;
  bool use_cuvs = true;
  bool allowCpuCoarseQuantizer = false;
};

struct GpuMultipleClonerOptions : GpuClonerOptions {
  bool shard = false;
};

Index *index_cpu_to_gpu_multiple(std::vector<GpuResourcesProvider *> &providers, std::vector<int> &devices,
                                 const Index *index, const GpuMultipleClonerOptions *options);
Index *index_gpu_to_cpu(const Index *index);

}  // namespace faiss::gpu
