#pragma once

// As much of CUDA as our sources use, in C++17, so that the same sources run on the CPU: this folder comes first on the
// include path and the .cu files are compiled as C++. What a GPU leaves to chance (the order of threads and blocks, when a
// stream does its work, what lies in fresh memory) is decided by chance here too, from NER_RETRIEVER_TEST_SEED, so that
// what relies on luck fails on some seed. README.md says what is seen and what is not.

#include <math.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "block.h"
#include "races.h"

#define NER_RETRIEVER_CUDA_EMULATION 1
#define CUDART_VERSION 13000

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

// Blocks run one after the other: an array that all threads of a block share is one of the whole program.
// AddressSanitizer sees who goes beyond it. Without it, they lie together and are poisoned at the start of each block.
#if defined(__SANITIZE_ADDRESS__)
#define __shared__ static
#else
#define __shared__ static __attribute__((section("cuda_emulation_shared")))
#endif

// ---- Vectors

#define CUDA_EMULATION_VECTORS(scalar, name, a2, a4)                                                             \
  struct name##1 { scalar x; };                                                                                  \
  struct alignas(a2) name##2 { scalar x, y; };                                                                   \
  struct name##3 { scalar x, y, z; };                                                                            \
  struct alignas(a4) name##4 { scalar x, y, z, w; };                                                             \
  inline name##1 make_##name##1(scalar x) { return {x}; }                                                        \
  inline name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }                                           \
  inline name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; }                              \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }
CUDA_EMULATION_VECTORS(signed char, char, 2, 4)
CUDA_EMULATION_VECTORS(unsigned char, uchar, 2, 4)
CUDA_EMULATION_VECTORS(short, short, 4, 8)
CUDA_EMULATION_VECTORS(unsigned short, ushort, 4, 8)
CUDA_EMULATION_VECTORS(int, int, 8, 16)
CUDA_EMULATION_VECTORS(unsigned, uint, 8, 16)
CUDA_EMULATION_VECTORS(long long, longlong, 16, 16)
CUDA_EMULATION_VECTORS(unsigned long long, ulonglong, 16, 16)
CUDA_EMULATION_VECTORS(float, float, 8, 16)
CUDA_EMULATION_VECTORS(double, double, 16, 16)
#undef CUDA_EMULATION_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned across = 1, unsigned down = 1, unsigned deep = 1) : x(across), y(down), z(deep) {}
  constexpr dim3(uint3 from) : x(from.x), y(from.y), z(from.z) {}
};

extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
constexpr int warpSize = 32;

// ---- What threads do together

#define CUDA_EMULATION_SITE(name) \
  cuda_emulation::Site { name, file, line }
#define CUDA_EMULATION_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(CUDA_EMULATION_HERE) { cuda_emulation::wait_for_block(CUDA_EMULATION_SITE("__syncthreads")); }
inline int __syncthreads_or(int predicate, CUDA_EMULATION_HERE) {
  return cuda_emulation::vote_in_block(predicate, CUDA_EMULATION_SITE("__syncthreads_or")).any;
}
inline int __syncthreads_and(int predicate, CUDA_EMULATION_HERE) {
  return cuda_emulation::vote_in_block(predicate, CUDA_EMULATION_SITE("__syncthreads_and")).all;
}
inline int __syncthreads_count(int predicate, CUDA_EMULATION_HERE) {
  return cuda_emulation::vote_in_block(predicate, CUDA_EMULATION_SITE("__syncthreads_count")).count;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace cuda_emulation {

constexpr unsigned full_mask = 0xffffffffu;

// What all 32 lanes brought to this place. Only the full mask is emulated.
template <class T>
class Exchanged {
 public:
  Exchanged(unsigned mask, const T &value, const Site &site, Memory memory = Memory::unordered) {
    static_assert(sizeof(T) <= slot_bytes && std::is_trivially_copyable<T>::value, "a value that fits a slot");
    if (mask != full_mask) fail_kernel("only the full mask is emulated", site);
    slots_ = exchange_in_warp(&value, sizeof(T), memory, site);
  }
  CUDA_EMULATION_UNWATCHED T operator[](unsigned lane) const {
    T value;
    std::memcpy(&value, slots_ + lane * slot_bytes, sizeof(T));
    return value;
  }
  CUDA_EMULATION_UNWATCHED std::array<T, 32> all() const {
    std::array<T, 32> values;
    T *to = values.data();
    for (unsigned lane = 0; lane < 32; ++lane) std::memcpy(to + lane, slots_ + lane * slot_bytes, sizeof(T));
    return values;
  }

 private:
  const unsigned char *slots_;
};

template <class T, class Combine>
T reduce(unsigned mask, T value, const Site &site, const Combine &combine) {
  const std::array<T, 32> all = Exchanged<T>(mask, value, site).all();
  T result = all[0];
  for (unsigned lane = 1; lane < 32; ++lane) result = combine(result, all[lane]);
  return result;
}

}  // namespace cuda_emulation

inline void __syncwarp(unsigned mask = 0xffffffffu, CUDA_EMULATION_HERE) {
  const cuda_emulation::Exchanged<int> all(mask, 0, CUDA_EMULATION_SITE("__syncwarp"), cuda_emulation::Memory::ordered);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, CUDA_EMULATION_HERE) {
  const cuda_emulation::Exchanged<T> all(mask, value, CUDA_EMULATION_SITE("__shfl_sync"));
  const unsigned lane = cuda_emulation::lane_of_thread();
  const auto segment = static_cast<unsigned>(width);
  return all[lane / segment * segment + static_cast<unsigned>(source) % segment];
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, CUDA_EMULATION_HERE) {
  const cuda_emulation::Exchanged<T> all(mask, value, CUDA_EMULATION_SITE("__shfl_xor_sync"));
  const unsigned lane = cuda_emulation::lane_of_thread();
  const auto segment = static_cast<unsigned>(width);
  const unsigned from = lane ^ static_cast<unsigned>(lane_mask);
  return from / segment > lane / segment ? value : all[from];
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_EMULATION_HERE) {
  const cuda_emulation::Exchanged<T> all(mask, value, CUDA_EMULATION_SITE("__shfl_down_sync"));
  const unsigned lane = cuda_emulation::lane_of_thread();
  const auto segment = static_cast<unsigned>(width);
  return lane % segment + delta < segment ? all[lane + delta] : value;
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_EMULATION_HERE) {
  const cuda_emulation::Exchanged<T> all(mask, value, CUDA_EMULATION_SITE("__shfl_up_sync"));
  const unsigned lane = cuda_emulation::lane_of_thread();
  const auto segment = static_cast<unsigned>(width);
  return lane % segment >= delta ? all[lane - delta] : value;
}
inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_EMULATION_HERE) {
  const auto all = cuda_emulation::Exchanged<int>(mask, predicate, CUDA_EMULATION_SITE("__ballot_sync")).all();
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (all[lane] != 0) ballot |= 1u << lane;
  return ballot;
}
inline int __any_sync(unsigned mask, int predicate, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, file, line) == mask;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, CUDA_EMULATION_HERE) {
  const auto all = cuda_emulation::Exchanged<T>(mask, value, CUDA_EMULATION_SITE("__match_any_sync")).all();
  unsigned same = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (all[lane] == value) same |= 1u << lane;
  return same;
}
#define CUDA_EMULATION_REDUCE(name, T, expression)                                                    \
  inline T name(unsigned mask, T value, CUDA_EMULATION_HERE) {                                        \
    return cuda_emulation::reduce(mask, value, CUDA_EMULATION_SITE(#name),                            \
                                  [](T left, T right) -> T { return expression; });                   \
  }
CUDA_EMULATION_REDUCE(__reduce_add_sync, unsigned, left + right)
CUDA_EMULATION_REDUCE(__reduce_min_sync, unsigned, left < right ? left : right)
CUDA_EMULATION_REDUCE(__reduce_max_sync, unsigned, left > right ? left : right)
CUDA_EMULATION_REDUCE(__reduce_and_sync, unsigned, left &right)
CUDA_EMULATION_REDUCE(__reduce_or_sync, unsigned, left | right)
CUDA_EMULATION_REDUCE(__reduce_add_sync, int, static_cast<int>(static_cast<unsigned>(left) + static_cast<unsigned>(right)))
CUDA_EMULATION_REDUCE(__reduce_min_sync, int, left < right ? left : right)
CUDA_EMULATION_REDUCE(__reduce_max_sync, int, left > right ? left : right)
#undef CUDA_EMULATION_REDUCE

// ---- Atomics: whole, but other threads may come in between two of them

namespace cuda_emulation {
template <class T, class Change>
T change_atomically(T *place, const Change &change) {
  maybe_yield();
  T before;
  __atomic_load(place, &before, __ATOMIC_RELAXED);
  T after = change(before);
  __atomic_store(place, &after, __ATOMIC_RELAXED);
  return before;
}
}  // namespace cuda_emulation

#define CUDA_EMULATION_ATOMICS(T, U)                                                                                       \
  inline T atomicAdd(T *place, T value) {                                                                                  \
    return cuda_emulation::change_atomically(                                                                              \
        place, [=](T before) { return static_cast<T>(static_cast<U>(before) + static_cast<U>(value)); });                  \
  }                                                                                                                        \
  inline T atomicMax(T *place, T value) {                                                                                  \
    return cuda_emulation::change_atomically(place, [=](T before) { return before > value ? before : value; });            \
  }                                                                                                                        \
  inline T atomicMin(T *place, T value) {                                                                                  \
    return cuda_emulation::change_atomically(place, [=](T before) { return before < value ? before : value; });            \
  }                                                                                                                        \
  inline T atomicExch(T *place, T value) {                                                                                 \
    return cuda_emulation::change_atomically(place, [=](T) { return value; });                                             \
  }                                                                                                                        \
  inline T atomicCAS(T *place, T expected, T value) {                                                                      \
    return cuda_emulation::change_atomically(place, [=](T before) { return before == expected ? value : before; });        \
  }                                                                                                                        \
  inline T atomicOr(T *place, T value) {                                                                                   \
    return cuda_emulation::change_atomically(place, [=](T before) { return static_cast<T>(before | value); });             \
  }                                                                                                                        \
  inline T atomicAnd(T *place, T value) {                                                                                  \
    return cuda_emulation::change_atomically(place, [=](T before) { return static_cast<T>(before & value); });             \
  }
CUDA_EMULATION_ATOMICS(int, unsigned)
CUDA_EMULATION_ATOMICS(unsigned, unsigned)
CUDA_EMULATION_ATOMICS(unsigned long long, unsigned long long)
#undef CUDA_EMULATION_ATOMICS

// ---- Functions of one thread

template <class T>
T __ldg(const T *place) { return *place; }
template <class T>
T __ldcs(const T *place) { return *place; }
template <class T>
T __ldcg(const T *place) { return *place; }
template <class T>
void __stcs(T *place, T value) { *place = value; }
template <class T>
void __stcg(T *place, T value) { *place = value; }

namespace cuda_emulation {
template <class To, class From>
To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
}  // namespace cuda_emulation
inline unsigned __float_as_uint(float value) { return cuda_emulation::same_bits<unsigned>(value); }
inline int __float_as_int(float value) { return cuda_emulation::same_bits<int>(value); }
inline float __uint_as_float(unsigned bits) { return cuda_emulation::same_bits<float>(bits); }
inline float __int_as_float(int bits) { return cuda_emulation::same_bits<float>(bits); }
inline long long __double_as_longlong(double value) { return cuda_emulation::same_bits<long long>(value); }
inline double __longlong_as_double(long long bits) { return cuda_emulation::same_bits<double>(bits); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }
inline int __clz(int bits) { return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits)); }
inline int __clzll(long long bits) { return bits == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(bits)); }
inline unsigned __umulhi(unsigned left, unsigned right) {
  return static_cast<unsigned>((static_cast<unsigned long long>(left) * right) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long left, unsigned long long right) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((static_cast<Wide>(left) * right) >> 64);
}
// Four products of signed bytes, added to `sum`.
inline int __dp4a(int left, int right, int sum) {
  for (int byte = 0; byte < 4; ++byte)
    sum += static_cast<int8_t>(static_cast<unsigned>(left) >> (8 * byte)) *
           static_cast<int8_t>(static_cast<unsigned>(right) >> (8 * byte));
  return sum;
}
inline float __fadd_rn(float left, float right) { return left + right; }
inline float __fsub_rn(float left, float right) { return left - right; }
inline float __fmul_rn(float left, float right) { return left * right; }
inline float __fmaf_rn(float left, float right, float sum) { return fmaf(left, right, sum); }
inline float __fdiv_rn(float left, float right) { return left / right; }
inline float __fsqrt_rn(float value) { return sqrtf(value); }
inline float __frcp_rn(float value) { return 1.0f / value; }
inline float __fdividef(float left, float right) { return left / right; }
inline float __expf(float value) { return expf(value); }
inline float __logf(float value) { return logf(value); }
inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
inline double rsqrt(double value) { return 1.0 / sqrt(value); }
inline int __float2int_rn(float value) { return static_cast<int>(rintf(value)); }
inline float __int2float_rn(int value) { return static_cast<float>(value); }
inline float __uint2float_rn(unsigned value) { return static_cast<float>(value); }

#define CUDA_EMULATION_MIN_MAX(T)                                             \
  constexpr T min(T left, T right) { return right < left ? right : left; }    \
  constexpr T max(T left, T right) { return left < right ? right : left; }
CUDA_EMULATION_MIN_MAX(int)
CUDA_EMULATION_MIN_MAX(unsigned)
CUDA_EMULATION_MIN_MAX(long)
CUDA_EMULATION_MIN_MAX(unsigned long)
CUDA_EMULATION_MIN_MAX(long long)
CUDA_EMULATION_MIN_MAX(unsigned long long)
#undef CUDA_EMULATION_MIN_MAX
inline float min(float left, float right) { return fminf(left, right); }
inline float max(float left, float right) { return fmaxf(left, right); }
inline double min(double left, double right) { return fmin(left, right); }
inline double max(double left, double right) { return fmax(left, right); }

// ---- The host's side

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorCudartUnloading = 4,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorECCUncorrectable = 214,
  cudaErrorUnsupportedPtxVersion = 222,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchTimeout = 702,
  cudaErrorContextIsDestroyed = 709,
  cudaErrorAssert = 710,
  cudaErrorHardwareStackError = 714,
  cudaErrorIllegalInstruction = 715,
  cudaErrorMisalignedAddress = 716,
  cudaErrorInvalidAddressSpace = 717,
  cudaErrorInvalidPc = 718,
  cudaErrorLaunchFailure = 719,
  cudaErrorTensorMemoryLeak = 721,
  cudaErrorSystemNotReady = 802,
  cudaErrorSystemDriverMismatch = 803,
  cudaErrorCompatNotSupportedOnDevice = 804,
  cudaErrorUnknown = 999,
};
const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem;
  size_t sharedMemPerBlock;
  size_t sharedMemPerBlockOptin;
  size_t sharedMemPerMultiprocessor;
  int warpSize;
  int maxThreadsPerBlock;
  int maxThreadsPerMultiProcessor;
  int major;
  int minor;
  int multiProcessorCount;
  int l2CacheSize;
  int asyncEngineCount;
};
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *all_bytes);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes, unsigned flags = 0);
cudaError_t cudaFreeHost(void *memory);
template <class T>
cudaError_t cudaMalloc(T **memory, size_t bytes) { return cudaMalloc(reinterpret_cast<void **>(memory), bytes); }
template <class T>
cudaError_t cudaMallocHost(T **memory, size_t bytes, unsigned flags = 0) {
  return cudaMallocHost(reinterpret_cast<void **>(memory), bytes, flags);
}

struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st *;
using cudaEvent_t = CUevent_st *;
enum : unsigned { cudaStreamDefault = 0, cudaStreamNonBlocking = 1 };
enum : unsigned { cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end);

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void *memory, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream = nullptr);

enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};
struct cudaFuncAttributes {
  size_t sharedSizeBytes;
  size_t localSizeBytes;
  int maxThreadsPerBlock;
  int numRegs;
  int ptxVersion;
  int binaryVersion;
  int maxDynamicSharedSizeBytes;
};
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel);
template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}
template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, void (*kernel)(Parameters...)) {
  return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}
// As many as fit by their shared memory, of this made-up device.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel, int threads, size_t shared_bytes);
template <class... Parameters>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*kernel)(Parameters...), int threads,
                                                          size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void *>(kernel), threads, shared_bytes);
}

struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute *attrs;
  unsigned numAttrs;
};

namespace cuda_emulation {
// `pointers`: the kernel's arguments that are pointers, which must be the device's.
cudaError_t enqueue_kernel(const cudaLaunchConfig_t &config, const void *kernel, std::function<void()> run,
                           const std::vector<const void *> &pointers);

template <class T>
void add_pointer(std::vector<const void *> &pointers, const T &value) {
  if constexpr (std::is_pointer<T>::value) pointers.push_back(value);
  (void)pointers;
  (void)value;
}
}  // namespace cuda_emulation

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Parameters...), Arguments &&...arguments) {
  const std::tuple<std::remove_cv_t<Parameters>...> values(std::forward<Arguments>(arguments)...);
  std::vector<const void *> pointers;
  std::apply([&](const auto &...value) { (cuda_emulation::add_pointer(pointers, value), ...); }, values);
  return cuda_emulation::enqueue_kernel(*config, reinterpret_cast<const void *>(kernel),
                                        [kernel, values] { std::apply(kernel, values); }, pointers);
}
