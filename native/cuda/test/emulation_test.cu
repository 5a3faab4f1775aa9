#include <sys/wait.h>

#include <algorithm>
#include <map>

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

// The block's sum, of which one barrier is missing: who is slow reads what the next round has written.
template <bool with_barrier>
__global__ void sum_twice(unsigned *sums) {
  __shared__ unsigned total;
  for (unsigned round = 0; round < 2; ++round) {
    if (threadIdx.x == 0) total = round;
    __syncthreads();
    sums[threadIdx.x] = total;
    if (with_barrier) __syncthreads();
  }
}

// Shuffles order nothing in memory; __syncwarp does.
template <bool with_syncwarp>
__global__ void tell_lane(unsigned *heard) {
  __shared__ unsigned said[32];
  said[threadIdx.x] = threadIdx.x;
  if (with_syncwarp) __syncwarp();
  broadcast(1, 0);
  heard[threadIdx.x] = said[threadIdx.x ^ 1];
}

[[maybe_unused]] __global__ void write_beyond_shared(int) { dynamic_shared<unsigned>()[16 + threadIdx.x % 2] = 1; }

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

// In the preset "races" these are seen as such, in programs of their own below.
#if !defined(CUDA_EMULATION_RACES)

TEST("a missing barrier shows") {
  CHECK(right_of_20(tells<true>) == 20, "");
  CHECK(right_of_20(tells<false>) == 0, "");
}

TEST("a missing wait for asynchronous copies shows") {
  CHECK(right_of_20(copies<true>) == 20, "");
  CHECK(right_of_20(copies<false>) == 0, "");
}

#endif

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

namespace {

void run_kernel(size_t shared_bytes, void (*kernel)(unsigned *)) {
  Device device(0, ner_cuda_device_options{0, 4096, ""});
  device.run([&] {
    const DeviceBuffer<unsigned> buffer(device.memory(), 64);
    launch(kernel, 1, shared_bytes == 0 ? 32 : 64, shared_bytes, device.stream(), buffer.get());
  });
}

// What a sanitizer sees, in a program of its own that it may end: this one, called with the name of the mistake.
std::map<std::string, void (*)()> mistakes() {
  return {
#if defined(__SANITIZE_ADDRESS__)
      {"write beyond a buffer", [] {
         Device device(0, ner_cuda_device_options{0, 4096, ""});
         device.run([&] {
           const DeviceBuffer<unsigned> buffer(device.memory(), 63);
           launch(fill, 1, 64, 0, device.stream(), buffer.get(), 1u);
         });
       }},
      {"write beyond shared memory", [] {
         Device device(0, ner_cuda_device_options{0, 4096, ""});
         device.run([&] { launch(write_beyond_shared, 1, 32, 64, device.stream(), 0); });
       }},
      {"the host reads memory of the device", [] {
         Device device(0, ner_cuda_device_options{0, 4096, ""});
         device.run([&] {
           const DeviceBuffer<unsigned> buffer(device.memory(), 63);
           std::printf("%u", buffer.get()[0]);
         });
       }},
#endif
#if defined(CUDA_EMULATION_RACES)
      {"no barrier", [] { run_kernel(256, tell<false>); }},
      {"no second barrier", [] { run_kernel(0, sum_twice<false>); }},
      {"a shuffle for a barrier", [] { run_kernel(0, tell_lane<false>); }},
#endif
      {"none", [] {
         run_kernel(256, tell<true>);
         run_kernel(0, sum_twice<true>);
         run_kernel(0, tell_lane<true>);
       }},
  };
}

const char *program = "";

}  // namespace

TEST("the sanitizers see what is wrong in a kernel, and nothing where nothing is") {
#if defined(CUDA_EMULATION_RACES)
  constexpr int found = 66;  // ThreadSanitizer's status
#else
  constexpr int found = 1;  // AddressSanitizer's
#endif
  for (const auto &[name, run] : mistakes()) {
    const std::string command = std::string("'") + program + "' '" + name + "' > /dev/null 2>&1";
    const int status = std::system(command.c_str());
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (name == "none" ? 0 : found), name + ": " + std::to_string(status));
  }
}

int main(int count, char **arguments) {
  program = arguments[0];
  if (count == 1) return run_all();
  mistakes().at(arguments[1])();
  return EXIT_SUCCESS;
}
