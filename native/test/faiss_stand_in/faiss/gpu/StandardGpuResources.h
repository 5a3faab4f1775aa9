#pragma once

#include <cstddef>

namespace faiss::gpu {

struct GpuResourcesProvider {
  virtual ~GpuResourcesProvider() = default;
};

struct StandardGpuResources : GpuResourcesProvider {
  void setTempMemory(size_t) {}
};

}  // namespace faiss::gpu
