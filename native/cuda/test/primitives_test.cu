#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "device/shared_memory.cuh"
#include "device/tensor_core.cuh"
#include "device/warp.cuh"
#include "kernel_test.h"
#include "runtime/launch.h"

// What the kernels are made of, each against a plain loop: on the emulation, and on a GPU where there is one, which is how the
// emulation itself is checked.

using namespace ner_retriever::cuda;

namespace {

std::vector<uint16_t> random_bfloat16(size_t count) {
  std::vector<uint16_t> values;
  for (const float value : random_floats(count)) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    values.push_back(static_cast<uint16_t>(bits >> 16));
  }
  return values;
}

double as_double(uint16_t bfloat16) {
  const uint32_t bits = static_cast<uint32_t>(bfloat16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

std::vector<int8_t> random_bytes(size_t count) {
  std::vector<int8_t> values(count);
  for (int8_t &value : values) value = static_cast<int8_t>(generator()() >> 8);
  return values;
}

// Copies 16 [rows, 32 bytes] and 16 columns of as many into shared memory, and multiplies: a by ldmatrix, b by ldmatrix.
// a, b: 16 rows of 32 bytes; d [16, 16].
template <class Sum>
__global__ void multiply_from_shared(const unsigned char *a, const unsigned char *b, Sum *d) {
  unsigned char *a_shared = dynamic_shared<unsigned char>();
  unsigned char *b_shared = a_shared + 512;
  const int lane = lane_of_thread();
  copy_async_16(a_shared + lane * 16, a + lane * 16);
  commit_async_copies();
  copy_async_16(b_shared + lane * 16, b + lane * 16);
  commit_async_copies();
  wait_for_async_copies<0>();
  __syncthreads();

  uint32_t a_registers[4];
  uint32_t b_registers[4];
  load_matrices_4(a_registers, a_shared + lane % 16 * 32 + lane / 16 * 16);
  load_matrices_4(b_registers, b_shared + (lane % 8 + lane / 16 * 8) * 32 + lane / 8 % 2 * 16);
  for (int half = 0; half < 2; ++half) {
    const uint32_t columns[2] = {b_registers[2 * half], b_registers[2 * half + 1]};
    Sum sums[4] = {};
    if constexpr (std::is_same<Sum, int32_t>::value)
      multiply_int8(sums, a_registers, columns);
    else
      multiply_bfloat16(sums, a_registers, columns);
    for (int i = 0; i < 4; ++i)
      d[(lane / 4 + i / 2 * 8) * 16 + half * 8 + lane % 4 * 2 + i % 2] = sums[i];
  }
}

// What lane l must hold of a and of b (16 rows of 32 bytes each), by the table in tensor_core.cuh, and what ldmatrix gives it.
__global__ void load_fragments(const unsigned char *a, const unsigned char *b, uint32_t *loaded, uint32_t *expected) {
  unsigned char *a_shared = dynamic_shared<unsigned char>();
  unsigned char *b_shared = a_shared + 512;
  const int lane = lane_of_thread();
  for (int i = lane; i < 512; i += warp_size) {
    a_shared[i] = a[i];
    b_shared[i] = b[i];
  }
  __syncwarp();
  uint32_t a_registers[4];
  uint32_t b_registers[4];
  uint32_t b_by_two[2];
  load_matrices_4(a_registers, a_shared + lane % 16 * 32 + lane / 16 * 16);
  load_matrices_4(b_registers, b_shared + (lane % 8 + lane / 16 * 8) * 32 + lane / 8 % 2 * 16);
  load_matrices_2(b_by_two, b_shared + lane % 8 * 32 + lane / 8 % 2 * 16);
  const int g = lane / 4;
  const int t = lane % 4;
  const auto word = [](const unsigned char *row, int byte) { return *reinterpret_cast<const uint32_t *>(row + byte); };
  uint32_t *to = loaded + lane * 10;
  uint32_t *right = expected + lane * 10;
  for (int i = 0; i < 4; ++i) {
    to[i] = a_registers[i];
    right[i] = word(a_shared + (g + i % 2 * 8) * 32, 4 * t + i / 2 * 16);
    to[4 + i] = b_registers[i];
    right[4 + i] = word(b_shared + (g + i / 2 * 8) * 32, 4 * t + i % 2 * 16);
  }
  for (int i = 0; i < 2; ++i) {
    to[8 + i] = b_by_two[i];
    right[8 + i] = word(b_shared + g * 32, 4 * t + i * 16);
  }
}

// b as it lies, [16, 8] of 16 bits, by two ways: ldmatrix transposed, and plain loads by the ISA's own formulas.
__global__ void transpose(const uint16_t *b, uint32_t *by_two, uint32_t *by_four, uint32_t *plain) {
  uint16_t *shared = dynamic_shared<uint16_t>();
  const int lane = lane_of_thread();
  for (int i = lane; i < 16 * 16; i += warp_size) shared[i] = b[i];
  __syncwarp();
  uint32_t two[2];
  uint32_t four[4];
  load_matrices_2_transposed(two, shared + lane % 16 * 16);
  load_matrices_4_transposed(four, shared + lane % 16 * 16 + lane / 16 * 8);
  for (int i = 0; i < 4; ++i) {
    if (i < 2) by_two[lane * 2 + i] = two[i];
    by_four[lane * 4 + i] = four[i];
    // Rows 2t, 2t + 1 (8 further on where i is odd) of column g (8 further on from i = 2).
    const int row = lane % 4 * 2 + i % 2 * 8;
    const int column = lane / 4 + i / 2 * 8;
    plain[lane * 4 + i] = static_cast<uint32_t>(shared[row * 16 + column]) |
                          static_cast<uint32_t>(shared[(row + 1) * 16 + column]) << 16;
  }
}

__global__ void copy_with_gaps(const uint4 *from, uint4 *to, int count) {
  uint4 *shared = dynamic_shared<uint4>();
  const int thread = static_cast<int>(threadIdx.x);
  copy_async_16(shared + thread, from + (thread < count ? thread : 0), thread < count);
  commit_async_copies();
  wait_for_async_copies<0>();
  __syncthreads();
  const int other = static_cast<int>(blockDim.x) - 1 - thread;
  to[other] = shared[other];
}

__global__ void reduce(const int *values, int *sums, int *largest, int *smallest) {
  const int thread = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  sums[thread] = sum_in_warp(values[thread]);
  largest[thread] = largest_in_warp(values[thread]);
  smallest[thread] = smallest_in_warp(values[thread]);
}

// Each block adds to one counter; who comes last sees all that the others wrote.
__global__ void count_blocks(unsigned *counter, unsigned long long *total, unsigned long long *seen_by_last) {
  __shared__ unsigned place;
  if (threadIdx.x == 0) {
    atomicAdd(total, static_cast<unsigned long long>(blockIdx.x));
    __threadfence();
    place = atomicAdd(counter, 1u);
  }
  __syncthreads();
  if (place == gridDim.x - 1 && threadIdx.x == 0) *seen_by_last = atomicAdd(total, 0ull);
}

}  // namespace

TEST("a product of bfloat16 is that of float64") {
  device().run([] {
    const std::vector<uint16_t> a = random_bfloat16(16 * 16);
    const std::vector<uint16_t> b = random_bfloat16(16 * 16);
    const DeviceBuffer<uint16_t> a_device = on_device(a);
    const DeviceBuffer<uint16_t> b_device = on_device(b);
    const DeviceBuffer<float> d_device(device().memory(), 256);
    launch(multiply_from_shared<float>, 1, 32, 1024, device().stream(),
           reinterpret_cast<const unsigned char *>(a_device.get()), reinterpret_cast<const unsigned char *>(b_device.get()),
           d_device.get());
    const std::vector<float> d = on_host(d_device);
    for (size_t row = 0; row < 16; ++row)
      for (size_t column = 0; column < 16; ++column) {
        double sum = 0;
        double size = 0;
        for (size_t k = 0; k < 16; ++k) {
          const double product = as_double(a[row * 16 + k]) * as_double(b[column * 16 + k]);
          sum += product;
          size += std::fabs(product);
        }
        CHECK(std::fabs(sum - static_cast<double>(d[row * 16 + column])) <= 1e-6 * size,
              std::to_string(row) + ", " + std::to_string(column));
      }
  });
}

TEST("a product of bytes is exact") {
  device().run([] {
    const std::vector<int8_t> a = random_bytes(16 * 32);
    const std::vector<int8_t> b = random_bytes(16 * 32);
    const DeviceBuffer<int8_t> a_device = on_device(a);
    const DeviceBuffer<int8_t> b_device = on_device(b);
    const DeviceBuffer<int32_t> d_device(device().memory(), 256);
    launch(multiply_from_shared<int32_t>, 1, 32, 1024, device().stream(),
           reinterpret_cast<const unsigned char *>(a_device.get()), reinterpret_cast<const unsigned char *>(b_device.get()),
           d_device.get());
    const std::vector<int32_t> d = on_host(d_device);
    for (size_t row = 0; row < 16; ++row)
      for (size_t column = 0; column < 16; ++column) {
        int32_t sum = 0;
        for (size_t k = 0; k < 32; ++k) sum += a[row * 32 + k] * b[column * 32 + k];
        CHECK(sum == d[row * 16 + column], std::to_string(row) + ", " + std::to_string(column));
      }
  });
}

TEST("matrices are loaded as the products want them") {
  device().run([] {
    const DeviceBuffer<int8_t> a = on_device(random_bytes(512));
    const DeviceBuffer<int8_t> b = on_device(random_bytes(512));
    const DeviceBuffer<uint32_t> loaded(device().memory(), 320);
    const DeviceBuffer<uint32_t> expected(device().memory(), 320);
    launch(load_fragments, 1, 32, 1024, device().stream(), reinterpret_cast<const unsigned char *>(a.get()),
           reinterpret_cast<const unsigned char *>(b.get()), loaded.get(), expected.get());
    CHECK(on_host(loaded) == on_host(expected), "");
  });
}

TEST("matrices are loaded transposed") {
  device().run([] {
    const DeviceBuffer<uint16_t> b = on_device(random_bfloat16(256));
    const DeviceBuffer<uint32_t> by_two(device().memory(), 64);
    const DeviceBuffer<uint32_t> by_four(device().memory(), 128);
    const DeviceBuffer<uint32_t> plain(device().memory(), 128);
    launch(transpose, 1, 32, 512, device().stream(), b.get(), by_two.get(), by_four.get(), plain.get());
    const std::vector<uint32_t> two = on_host(by_two);
    const std::vector<uint32_t> expected = on_host(plain);
    CHECK(on_host(by_four) == expected, "four matrices");
    for (size_t lane = 0; lane < 32; ++lane)
      for (size_t i = 0; i < 2; ++i) CHECK(two[lane * 2 + i] == expected[lane * 4 + i], std::to_string(lane));
  });
}

TEST("an asynchronous copy brings what is there, and zeros for what is not") {
  device().run([] {
    std::vector<uint32_t> values(4 * 96);
    for (uint32_t &value : values) value = static_cast<uint32_t>(generator()());
    const DeviceBuffer<uint32_t> from = on_device(values);
    for (const size_t there : {size_t{0}, size_t{1}, size_t{50}, size_t{96}}) {
      const DeviceBuffer<uint32_t> to(device().memory(), values.size());
      launch(copy_with_gaps, 1, 96, 96 * 16, device().stream(), reinterpret_cast<const uint4 *>(from.get()),
             reinterpret_cast<uint4 *>(to.get()), static_cast<int>(there));
      std::vector<uint32_t> expected = values;
      for (size_t i = there * 4; i < expected.size(); ++i) expected[i] = 0;
      CHECK(on_host(to) == expected, std::to_string(there));
    }
  });
}

TEST("a warp's sum, largest and smallest reach every lane") {
  device().run([] {
    std::vector<int> values(4 * 96);
    for (int &value : values) value = static_cast<int>(generator()() % 2001) - 1000;
    const DeviceBuffer<int> from = on_device(values);
    const DeviceBuffer<int> sums(device().memory(), values.size());
    const DeviceBuffer<int> largest(device().memory(), values.size());
    const DeviceBuffer<int> smallest(device().memory(), values.size());
    launch(reduce, 4, 96, 0, device().stream(), from.get(), sums.get(), largest.get(), smallest.get());
    const std::vector<int> all_sums = on_host(sums);
    const std::vector<int> all_largest = on_host(largest);
    const std::vector<int> all_smallest = on_host(smallest);
    for (size_t thread = 0; thread < values.size(); ++thread) {
      int sum = 0;
      int most = values[thread];
      int least = values[thread];
      for (size_t other = thread / 32 * 32; other < thread / 32 * 32 + 32; ++other) {
        sum += values[other];
        most = std::max(most, values[other]);
        least = std::min(least, values[other]);
      }
      CHECK(all_sums[thread] == sum && all_largest[thread] == most && all_smallest[thread] == least, std::to_string(thread));
    }
  });
}

TEST("the last block to count itself sees what all have added") {
  device().run([] {
    constexpr unsigned blocks = 77;
    const DeviceBuffer<unsigned> counter = on_device(std::vector<unsigned>(1));
    const DeviceBuffer<unsigned long long> total = on_device(std::vector<unsigned long long>(1));
    const DeviceBuffer<unsigned long long> seen(device().memory(), 1);
    launch(count_blocks, blocks, 64, 0, device().stream(), counter.get(), total.get(), seen.get());
    CHECK(on_host(seen)[0] == blocks * (blocks - 1) / 2, "the last block");
  });
}

int main() { return run_all_on_a_device(); }
