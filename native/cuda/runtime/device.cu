#include "device.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "launch.h"

namespace ner_retriever::cuda {

namespace {

constexpr size_t usual_staging_bytes = size_t{32} << 20;

__global__ void nothing() {}

std::string version_in_words(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

int count_devices() {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) cudaGetLastError();
  if (driver == 0)
    throw Failure(NER_UNAVAILABLE, "this machine has no NVIDIA driver: install one for CUDA " + version_in_words(runtime) +
                                       " or later (in a container: start it with its GPUs)");
  if (error == cudaErrorInsufficientDriver)
    throw Failure(NER_UNAVAILABLE, "this machine's NVIDIA driver is too old: it is for CUDA " + version_in_words(driver) +
                                       ", this library needs one for CUDA " + version_in_words(runtime) +
                                       " or later. Install a newer driver");
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
    throw Failure(NER_UNAVAILABLE,
                  "this machine has an NVIDIA driver, but no GPU that this process may use: see nvidia-smi and "
                  "CUDA_VISIBLE_DEVICES");
  check(error, "counting GPUs");
  return count;
}

// The properties of device `number`, when it is there and this build has code for it.
cudaDeviceProp open(int number) {
  const int count = count_devices();
  if (number < 0 || number >= count)
    throw Failure(NER_INVALID_ARGUMENT, "expected a GPU from 0 to " + std::to_string(count - 1) + ", got " +
                                            std::to_string(number));
  check(cudaSetDevice(number), "choosing the GPU");
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, number), "asking what the GPU is");
  cudaFuncAttributes attributes;
  const cudaError_t error = cudaFuncGetAttributes(&attributes, nothing);
  if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    throw Failure(NER_UNAVAILABLE, std::string("this build has no code for ") + properties.name + ", of compute capability " +
                                       std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                                       ": 8.0 or later is needed");
  }
  check(error, "looking for code for the GPU");
  return properties;
}

}  // namespace

int Device::count() { return count_devices(); }

Device::Device(int number, const ner_cuda_device_options &options)
    : number_(number),
      properties_(open(number)),
      staging_(options.staging_bytes == 0 ? usual_staging_bytes : std::max(options.staging_bytes, size_t{4096})),
      memory_(options.memory_limit, [this] { synchronize(); }),
      blas_(options.blas, work_, memory_) {}

Device::~Device() {
  cudaSetDevice(number_);
  cudaStreamSynchronize(work_);
  cudaStreamSynchronize(copy_);
}

void Device::synchronize() const {
  work_.synchronize();
  copy_.synchronize();
}

Device::Finish::~Finish() {
  // Where the work threw. An error of these has been, or will be, told by another call.
  cudaStreamSynchronize(device.work_);
  cudaStreamSynchronize(device.copy_);
  cudaGetLastError();
  device.memory_.recycle();
}

ner_cuda_device_description Device::describe() const {
  ner_cuda_device_description description = {};
  std::snprintf(description.name, sizeof description.name, "%s", properties_.name);
  description.major = properties_.major;
  description.minor = properties_.minor;
  description.multiprocessors = properties_.multiProcessorCount;
  check(cudaMemGetInfo(&description.free_memory, &description.memory), "asking for the GPU's free memory");
  description.held_memory = memory_.held();
  std::snprintf(description.blas, sizeof description.blas, "%s", blas_.description().c_str());
  check(cudaDriverGetVersion(&description.driver_version), "asking for the driver's version");
  check(cudaRuntimeGetVersion(&description.runtime_version), "asking for CUDA's version");
  return description;
}

}  // namespace ner_retriever::cuda
