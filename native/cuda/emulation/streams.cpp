#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "device_state.h"

// Streams are lists of what is to be done. When it is done is left to chance, within what the program asked for: in the
// stream's order, after the events that it waits for, and before anybody who waits for it goes on.

using namespace cuda_emulation;

struct CUstream_st {
  std::deque<std::function<void()>> operations;
  uint64_t queued = 0;
  uint64_t done = 0;
  bool waits_for_null_stream = true;
};

struct CUevent_st {
  std::shared_ptr<CUstream_st> stream;  // null: not recorded
  uint64_t ticket = 0;                  // done when the stream has done as many
  std::shared_ptr<std::chrono::steady_clock::time_point> time = std::make_shared<std::chrono::steady_clock::time_point>();
};

namespace {

std::vector<std::shared_ptr<CUstream_st>> &streams() {
  static auto *all = new std::vector<std::shared_ptr<CUstream_st>>;
  return *all;
}

std::shared_ptr<CUstream_st> find(cudaStream_t stream) {
  for (const std::shared_ptr<CUstream_st> &candidate : streams())
    if (candidate.get() == stream) return candidate;
  return nullptr;
}

void do_next(CUstream_st &stream) {
  const std::function<void()> operation = std::move(stream.operations.front());
  stream.operations.pop_front();
  if (device_state().sticky == cudaSuccess) operation();
  ++stream.done;
}

void finish(CUstream_st &stream, uint64_t ticket) {
  while (stream.done < ticket) do_next(stream);
}

// Time passes.
void maybe_advance() {
  switch (device_state().streams) {
    case CUDA_EMULATION_LAZY:
      return;
    case CUDA_EMULATION_EAGER:
      finish_all_streams();
      return;
    case CUDA_EMULATION_RANDOM:
      if (streams().empty() || chance() % 2 == 0) return;
      CUstream_st &stream = *streams()[chance_below(static_cast<uint32_t>(streams().size()))];
      if (!stream.operations.empty())
        finish(stream, stream.done + 1 + chance_below(static_cast<uint32_t>(stream.operations.size())));
  }
}

cudaError_t enqueue(cudaStream_t handle, std::function<void()> operation) {
  if (handle == nullptr) {
    // The null stream comes after all that was asked of the others before, and before all that is asked of them later.
    for (const std::shared_ptr<CUstream_st> &stream : streams())
      if (stream->waits_for_null_stream) finish(*stream, stream->queued);
    if (device_state().sticky == cudaSuccess) operation();
    return device_state().sticky;
  }
  const std::shared_ptr<CUstream_st> stream = find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  stream->operations.push_back(std::move(operation));
  ++stream->queued;
  maybe_advance();
  return device_state().sticky;
}

bool goes_to_device(cudaMemcpyKind kind) { return kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice; }
bool comes_from_device(cudaMemcpyKind kind) { return kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice; }

cudaError_t check_copy(const void *to, const void *from, size_t bytes, cudaMemcpyKind &kind) {
  if (bytes == 0) return cudaSuccess;
  const bool to_device = is_device_memory(to, bytes);
  const bool from_device = is_device_memory(from, bytes);
  if (kind == cudaMemcpyDefault)
    kind = static_cast<cudaMemcpyKind>((to_device ? 1 : 0) + (from_device ? 2 : 0));
  return goes_to_device(kind) == to_device && comes_from_device(kind) == from_device ? cudaSuccess : cudaErrorInvalidValue;
}

// Begins what every call begins with.
#define CUDA_EMULATION_CALL                                               \
  DeviceState &device = device_state();                                   \
  const std::lock_guard<std::recursive_mutex> lock(device.lock);          \
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return give(error)

}  // namespace

namespace cuda_emulation {

void finish_all_streams() {
  for (const std::shared_ptr<CUstream_st> &stream : streams()) finish(*stream, stream->queued);
}

cudaError_t enqueue_kernel(const cudaLaunchConfig_t &config, const void *kernel, std::function<void()> run,
                           const std::vector<const void *> &pointers) {
  CUDA_EMULATION_CALL;
  const dim3 &blocks = config.gridDim;
  const dim3 &threads = config.blockDim;
  const uint64_t thread_count = uint64_t{threads.x} * threads.y * threads.z;
  if (blocks.x == 0 || blocks.x > 0x7fffffffu || blocks.y == 0 || blocks.y > 65535 || blocks.z == 0 || blocks.z > 65535 ||
      thread_count == 0 || thread_count > 1024 || threads.z > 64)
    return give(cudaErrorInvalidConfiguration);
  cudaFuncAttributes attributes;
  cudaFuncGetAttributes(&attributes, kernel);
  if (config.dynamicSmemBytes > static_cast<size_t>(attributes.maxDynamicSharedSizeBytes)) return give(cudaErrorInvalidValue);
  for (const void *pointer : pointers)
    if (pointer != nullptr && !is_device_memory(pointer, 0) && !is_pinned_memory(pointer, 0)) {
      std::fprintf(stderr, "CUDA emulation: a kernel was given a pointer that is not the device's\n");
      return give(cudaErrorInvalidValue);
    }
  ++device.launches;
  const bool fails = device.failing_launch > 0 && --device.failing_launch == 0;
  const Grid grid{{blocks.x, blocks.y, blocks.z}, {threads.x, threads.y, threads.z}, config.dynamicSmemBytes};
  return give(enqueue(config.stream, [grid, run = std::move(run), fails] {
    if (fails) {
      device_state().sticky = cudaErrorIllegalAddress;
      return;
    }
    const DeviceMemoryAccess access;
    if (!run_grid(grid, run)) device_state().sticky = cudaErrorLaunchFailure;
  }));
}

}  // namespace cuda_emulation

cudaError_t cudaDeviceSynchronize() {
  CUDA_EMULATION_CALL;
  ++device.waits;
  finish_all_streams();
  return give(device.sticky);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
  CUDA_EMULATION_CALL;
  streams().push_back(std::make_shared<CUstream_st>());
  streams().back()->waits_for_null_stream = flags != cudaStreamNonBlocking;
  *stream = streams().back().get();
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  CUDA_EMULATION_CALL;
  const std::shared_ptr<CUstream_st> found = find(stream);
  if (found == nullptr) return give(cudaErrorInvalidResourceHandle);
  finish(*found, found->queued);
  for (auto each = streams().begin(); each != streams().end(); ++each)
    if (*each == found) {
      streams().erase(each);
      break;
    }
  return give(device.sticky);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream == nullptr) return cudaDeviceSynchronize();
  CUDA_EMULATION_CALL;
  const std::shared_ptr<CUstream_st> found = find(stream);
  if (found == nullptr) return give(cudaErrorInvalidResourceHandle);
  ++device.waits;
  finish(*found, found->queued);
  return give(device.sticky);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  CUDA_EMULATION_CALL;
  const std::shared_ptr<CUstream_st> found = find(stream);
  if (found == nullptr) return give(cudaErrorInvalidResourceHandle);
  if (found->operations.empty()) return cudaSuccess;
  do_next(*found);  // who asks again and again gets there
  return device.sticky == cudaSuccess ? cudaErrorNotReady : give(device.sticky);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  CUDA_EMULATION_CALL;
  if (event->stream == nullptr) return cudaSuccess;
  return give(enqueue(stream, [other = event->stream, ticket = event->ticket] { finish(*other, ticket); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  CUDA_EMULATION_CALL;
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard<std::recursive_mutex> lock(device_state().lock);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  CUDA_EMULATION_CALL;
  const std::shared_ptr<CUstream_st> found = find(stream);
  if (stream != nullptr && found == nullptr) return give(cudaErrorInvalidResourceHandle);
  event->stream = found;
  event->ticket = found == nullptr ? 0 : found->queued + 1;
  return give(enqueue(stream, [time = event->time] { *time = std::chrono::steady_clock::now(); }));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  CUDA_EMULATION_CALL;
  ++device.waits;
  if (event->stream != nullptr) finish(*event->stream, event->ticket);
  return give(device.sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  CUDA_EMULATION_CALL;
  if (event->stream == nullptr || event->stream->done >= event->ticket) return cudaSuccess;
  do_next(*event->stream);
  return device.sticky == cudaSuccess ? cudaErrorNotReady : give(device.sticky);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  CUDA_EMULATION_CALL;
  for (const cudaEvent_t event : {begin, end})
    if (event->stream != nullptr && event->stream->done < event->ticket) return give(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *begin->time).count();
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  CUDA_EMULATION_CALL;
  if (const cudaError_t wrong = check_copy(to, from, bytes, kind); wrong != cudaSuccess) return give(wrong);
  if (kind == cudaMemcpyHostToDevice && !is_pinned_memory(from, bytes)) {
    // Memory that is not pinned is read before the call returns.
    auto copy = std::make_shared<std::vector<char>>(static_cast<const char *>(from), static_cast<const char *>(from) + bytes);
    return give(enqueue(stream, [to, copy] {
      const DeviceMemoryAccess access;
      if (!copy->empty()) std::memcpy(to, copy->data(), copy->size());
    }));
  }
  const cudaError_t queued = enqueue(stream, [to, from, bytes] {
    const DeviceMemoryAccess access;
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
  // And written before it returns.
  if (queued == cudaSuccess && kind == cudaMemcpyDeviceToHost && !is_pinned_memory(to, bytes) && stream != nullptr) {
    ++device.waits;
    const std::shared_ptr<CUstream_st> found = find(stream);
    finish(*found, found->queued);
  }
  return give(device.sticky != cudaSuccess ? device.sticky : queued);
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  for (size_t row = 0; row < height; ++row) {
    const cudaError_t error = cudaMemcpyAsync(static_cast<char *>(to) + row * to_pitch,
                                              static_cast<const char *>(from) + row * from_pitch, width, kind, stream);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream) {
  CUDA_EMULATION_CALL;
  if (bytes > 0 && !is_device_memory(memory, bytes)) return give(cudaErrorInvalidValue);
  return give(enqueue(stream, [memory, value, bytes] {
    const DeviceMemoryAccess access;
    if (bytes > 0) std::memset(memory, value, bytes);
  }));
}

cudaError_t cudaMemset(void *memory, int value, size_t bytes) {
  const cudaError_t error = cudaMemsetAsync(memory, value, bytes, nullptr);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}
