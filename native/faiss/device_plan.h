#pragma once

#include <faiss/Index.h>

#include <cstddef>

#include "faiss_api.h"

// Whether an index can be copied to GPUs, and what the copy takes there. Knows of no GPU itself.
struct DevicePlan {
  // About: bytes of each GPU for rows, numbers and centroids, without temporary memory.
  size_t bytes_each = 0;
  size_t row_bytes = 0;
  // HNSW: another graph, CAGRA, is made there from its rows.
  bool is_graph = false;
};

// `index` without its refinement. Throws Failure where FAISS has no such index on a GPU, or would leave it on the CPU
// without a word. `graphs`: whether this FAISS has CAGRA.
DevicePlan plan_for_devices(const faiss::Index &index, const ner_faiss_device_options &options, bool graphs);
