#include <algorithm>

#include "controls.h"
#include "device/shared_memory.cuh"
#include "device/tensor_core.cuh"
#include "device/warp.cuh"
#include "harness.h"
#include "runtime/device.h"
#include "runtime/launch.h"

// The emulation sees what is wrong: kernels and host code with one mistake each, beside what is right.

using namespace ner_retriever::cuda;

namespace {

const cuda_emulation_controls_table &controls() { return *cuda_emulation_controls(); }

template <class Kernel>
bool completes(const Kernel &kernel, unsigned threads) {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  bool completed = true;
  try {
    device.run([&] { launch(kernel, 2, threads, 0, device.stream(), 0); });
  } catch (const CudaError &error) {
    CHECK(error.error == cudaErrorLaunchFailure, error.what());
    completed = false;
  }
  controls().reset();
  return completed;
}

__global__ void all_wait(int) {
  __syncthreads();
  __syncthreads();
}

__global__ void one_ends_early(int) {
  if (threadIdx.x == 5) return;
  __syncthreads();
}

__global__ void two_barriers(int) {
  if (threadIdx.x < 32)
    __syncthreads();
  else {
    __syncthreads();
  }
}

__global__ void one_lane_stays_away(int) {
  if (threadIdx.x != 3) __syncwarp();
}

__global__ void lanes_at_two_places(int) {
  if (threadIdx.x % 2 == 0)
    sum_in_warp(1);
  else
    broadcast(1, 0);
}

__global__ void warp_and_block_wait_for_each_other(int) {
  if (threadIdx.x < 16)
    __syncthreads();
  else
    __syncwarp();
}

// Each thread tells its neighbour something.
template <bool with_barrier>
__global__ void tell(unsigned *heard) {
  unsigned *said = dynamic_shared<unsigned>();
  said[threadIdx.x] = threadIdx.x;
  if (with_barrier) __syncthreads();
  heard[threadIdx.x] = said[(threadIdx.x + 1) % blockDim.x];
}

template <bool with_wait>
__global__ void copy_then_read(const uint4 *from, uint4 *to) {
  uint4 *shared = dynamic_shared<uint4>();
  copy_async_16(shared + threadIdx.x, from + threadIdx.x);
  commit_async_copies();
  if (with_wait) wait_for_async_copies<0>();
  to[threadIdx.x] = shared[threadIdx.x];
}

__global__ void fill(unsigned *values, unsigned value) { values[blockIdx.x * blockDim.x + threadIdx.x] = value; }

// How many of 20 seeds give the expected.
template <class Run>
int right_of_20(const Run &run) {
  int right = 0;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    controls().seed(seed + static_cast<uint32_t>(generator()()));
    right += run() ? 1 : 0;
  }
  return right;
}

template <bool with_barrier>
bool tells() {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  std::vector<unsigned> heard(64);
  device.run([&] {
    const DeviceBuffer<unsigned> buffer(device.memory(), heard.size());
    launch(tell<with_barrier>, 1, 64, 64 * sizeof(unsigned), device.stream(), buffer.get());
    device.staging().download(buffer.get(), buffer.bytes(), heard.data(), device.stream());
  });
  for (unsigned thread = 0; thread < 64; ++thread)
    if (heard[thread] != (thread + 1) % 64) return false;
  return true;
}

template <bool with_wait>
bool copies() {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  const std::vector<unsigned> values(128, 77);
  std::vector<unsigned> copied(128);
  device.run([&] {
    const DeviceBuffer<unsigned> from(device.memory(), 128);
    const DeviceBuffer<unsigned> to(device.memory(), 128);
    device.staging().upload(values.data(), from.bytes(), from.get(), device.stream());
    launch(copy_then_read<with_wait>, 1, 32, 32 * 16, device.stream(), reinterpret_cast<const uint4 *>(from.get()),
           reinterpret_cast<uint4 *>(to.get()));
    device.staging().download(to.get(), to.bytes(), copied.data(), device.stream());
  });
  return copied == values;
}

// One stream writes, the other reads.
bool orders(bool with_event) {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  std::vector<unsigned> values(64);
  device.run([&] {
    const DeviceBuffer<unsigned> buffer(device.memory(), 64);
    const Event written;
    launch(fill, 1, 64, 0, device.stream(), buffer.get(), 3u);
    written.record(device.stream());
    if (with_event) written.hold_back(device.copy_stream());
    device.staging().download(buffer.get(), buffer.bytes(), values.data(), device.copy_stream());
  });
  return std::all_of(values.begin(), values.end(), [](unsigned value) { return value == 3; });
}

// A pinned buffer that is filled again.
bool keeps_pinned(bool with_wait) {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  std::vector<unsigned> values(64);
  unsigned *pinned = nullptr;
  check(cudaMallocHost(&pinned, 256), "test");
  device.run([&] {
    const DeviceBuffer<unsigned> buffer(device.memory(), 64);
    std::fill(pinned, pinned + 64, 4u);
    check(cudaMemcpyAsync(buffer.get(), pinned, 256, cudaMemcpyHostToDevice, device.stream()), "test");
    if (with_wait) check(cudaStreamSynchronize(device.stream()), "test");
    std::fill(pinned, pinned + 64, 5u);
    device.staging().download(buffer.get(), buffer.bytes(), values.data(), device.stream());
  });
  check(cudaFreeHost(pinned), "test");
  return std::all_of(values.begin(), values.end(), [](unsigned value) { return value == 4; });
}

}  // namespace

TEST("a thread that others wait for in vain is an error, and no hang") {
  CHECK(completes(all_wait, 96), "");
  CHECK(!completes(one_ends_early, 96), "");
  CHECK(!completes(two_barriers, 96), "");
  CHECK(!completes(one_lane_stays_away, 96), "");
  CHECK(!completes(lanes_at_two_places, 96), "");
  CHECK(!completes(warp_and_block_wait_for_each_other, 96), "");
  CHECK(completes(all_wait, 1024), "");
}

TEST("a missing barrier shows") {
  CHECK(right_of_20(tells<true>) == 20, "");
  CHECK(right_of_20(tells<false>) == 0, "");
}

TEST("a missing wait for asynchronous copies shows") {
  CHECK(right_of_20(copies<true>) == 20, "");
  CHECK(right_of_20(copies<false>) == 0, "");
}

TEST("streams that nobody ordered are in no order") {
  CHECK(right_of_20([] { return orders(true); }) == 20, "");
  CHECK(right_of_20([] { return orders(false); }) < 20, "");
}

TEST("a pinned buffer that is filled again too early shows") {
  CHECK(right_of_20([] { return keeps_pinned(true); }) == 20, "");
  CHECK(right_of_20([] { return keeps_pinned(false); }) < 20, "");
}

TEST("memory of the host is refused where the device's belongs, and the other way round") {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  device.run([&] {
    unsigned host[64];
    const DeviceBuffer<unsigned> buffer(device.memory(), 64);
    bool refused = false;
    try {
      launch(fill, 1, 64, 0, device.stream(), host, 1u);
    } catch (const CudaError &) {
      refused = true;
    }
    CHECK(refused, "a kernel");
    CHECK(cudaMemcpy(host, buffer.get(), 256, cudaMemcpyHostToDevice) == cudaErrorInvalidValue, "a copy the wrong way");
    CHECK(cudaMemcpy(host, buffer.get(), 260, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue, "a copy of too much");
  });
}

int main() { return run_all(); }
