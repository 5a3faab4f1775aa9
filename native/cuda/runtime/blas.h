#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <string>

#include "device_buffer.h"

namespace ner_retriever::cuda {

// cuBLAS as this system has it, opened at run time: no header of it is needed to build, and nothing of it to run.
class Blas {
 public:
  // path: its shared library; null: the system's, where it is there; "": none. What is not there is told by description().
  // stream, memory: of the device whose products it makes.
  Blas(const char *path, cudaStream_t stream, DeviceMemory &memory);
  ~Blas();
  Blas(const Blas &) = delete;
  Blas &operator=(const Blas &) = delete;

  // "cuBLAS 13.1.1", or why there is none.
  const std::string &description() const { return description_; }

  // Whether it is there, and to be taken for sums of `depth` products. One that was asked for by its path takes all.
  bool takes(size_t depth) const;

  // product [row_count, columns] = rows [row_count, depth] * weight [columns, depth]^T, in float32. depth a multiple of 8,
  // row_count, columns and depth below 2^31. Queued in the stream.
  void multiply(const __nv_bfloat16 *rows, size_t row_count, size_t depth, const __nv_bfloat16 *weight, size_t columns,
                float *product);

 private:
  struct Functions;

  void open();

  std::unique_ptr<const Functions> functions_;  // null: there is none
  std::string description_;
  bool asked_by_path_;
  cudaStream_t stream_;
  DeviceMemory &memory_;
  void *handle_ = nullptr;  // made when the first product is asked for
  DeviceBuffer<unsigned char> workspace_;
};

}  // namespace ner_retriever::cuda
