#include <algorithm>
#include <memory>
#include <thread>

#include "kernel_test.h"
#include "runtime/for_each_chunk.h"
#include "runtime/launch.h"

// The classes of runtime/, on the emulation (with its errors to order) and on a GPU where there is one.

using namespace ner_retriever::cuda;

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

std::unique_ptr<Device> open_device(size_t memory_limit = 0, size_t staging_bytes = size_t{1} << 16) {
  return std::make_unique<Device>(0, ner_cuda_device_options{memory_limit, staging_bytes, ""});
}

std::vector<uint32_t> random_values(size_t count) {
  std::vector<uint32_t> values(count);
  for (uint32_t &value : values) value = static_cast<uint32_t>(generator()());
  return values;
}

__global__ void add_one(const uint32_t *from, uint32_t *to, size_t count) {
  const size_t at = size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (at < count) to[at] = from[at] + 1;
}

void queue_add_one(const Device &device, const uint32_t *from, uint32_t *to, size_t count) {
  launch(add_one, static_cast<unsigned>((count + 127) / 128), 128, 0, device.stream(), from, to, count);
}

// What all of it together gives; true where a device works as it should.
bool works(Device &device) {
  const std::vector<uint32_t> values = random_values(random_size(1, 60000));
  std::vector<uint32_t> result(values.size());
  device.run([&] {
    const DeviceBuffer<uint32_t> from(device.memory(), values.size());
    const DeviceBuffer<uint32_t> to(device.memory(), values.size());
    device.staging().upload(values.data(), from.bytes(), from.get(), device.stream());
    queue_add_one(device, from.get(), to.get(), values.size());
    device.staging().download(to.get(), to.bytes(), result.data(), device.stream());
  });
  for (size_t i = 0; i < values.size(); ++i)
    if (result[i] != values[i] + 1) return false;
  return true;
}

// What a failing `work` says; empty where it does not fail.
template <class Work>
std::string failure_of(ner_status expected, const Work &work) {
  try {
    work();
  } catch (const Failure &failure) {
    CHECK(failure.status == expected, failure.what());
    return failure.what();
  }
  CHECK(false, "nothing failed");
  return "";
}

bool contains(const std::string &words, const std::string &part) { return words.find(part) != std::string::npos; }

}  // namespace

TEST("what goes up comes down, whatever its size and the staging buffers'") {
  for (const size_t staging : {size_t{4096}, size_t{1} << 16}) {
    const auto device = open_device(0, staging);
    for (int round = 0; round < 20; ++round) CHECK(works(*device), std::to_string(staging));
  }
}

TEST("nothing is copied where there is nothing") {
  const auto device = open_device();
  device->run([&] {
    const DeviceBuffer<float> empty(device->memory(), 0);
    CHECK(empty.get() == nullptr && empty.bytes() == 0, "");
    device->staging().upload(nullptr, 0, empty.get(), device->stream());
    device->staging().download(empty.get(), 0, nullptr, device->stream());
  });
}

TEST("chunks go up, are worked on and come down together, in order") {
  const auto device = open_device(0, 8192);
  for (int round = 0; round < 20; ++round) {
    const size_t columns = random_size(1, 40);
    const size_t row_count = random_size(0, 500);
    const size_t chunk_rows = random_size(1, 600);
    const std::vector<uint32_t> rows = random_values(row_count * columns);
    std::vector<uint32_t> result(rows.size(), 7);
    device->run([&] {
      const DeviceBuffer<uint32_t> results[2] = {{device->memory(), chunk_rows * columns}, {device->memory(), chunk_rows * columns}};
      for_each_chunk(
          *device, rows.data(), row_count, columns, chunk_rows,
          [&](const Chunk &chunk, const uint32_t *on_device) {
            queue_add_one(*device, on_device, results[chunk.turn].get(), chunk.count * columns);
          },
          [&](const Chunk &chunk) {
            device->staging().download(results[chunk.turn].get(), chunk.count * columns * sizeof(uint32_t),
                                       result.data() + chunk.first * columns, device->copy_stream());
          });
    });
    bool same = true;
    for (size_t i = 0; i < rows.size(); ++i) same = same && result[i] == rows[i] + 1;
    CHECK(same, std::to_string(row_count) + " rows, " + std::to_string(chunk_rows) + " a chunk");
  }
}

TEST("memory that was given back is used again, when the work on it is done") {
  const auto device = open_device();
  const void *first = nullptr;
  device->run([&] {
    { first = DeviceBuffer<float>(device->memory(), 1000).get(); }
    CHECK(DeviceBuffer<float>(device->memory(), 1000).get() != first, "within the same work");
  });
  device->run([&] {
    CHECK(device->memory().held() == 2 * 4096, std::to_string(device->memory().held()));
    const DeviceBuffer<float> one(device->memory(), 1000);
    const DeviceBuffer<float> other(device->memory(), 900);
    CHECK(one.get() == first || other.get() == first, "after it");
    CHECK(device->memory().held() == 2 * 4096, std::to_string(device->memory().held()));
    // Far smaller than any block that is left.
    const DeviceBuffer<float> small(device->memory(), 10);
    CHECK(device->memory().held() == 2 * 4096 + 512, std::to_string(device->memory().held()));
  });
  struct Owner {
    DeviceBuffer<float> buffer;
  };
  Owner *owner = nullptr;
  device->run([&] { owner = new Owner{DeviceBuffer<float>(device->memory(), 5 * mebibyte)}; });
  device->destroy(owner);
  CHECK(device->memory().held() == 0, "what is destroyed goes back to the GPU");
}

TEST("a memory limit holds, says so, and leaves all well") {
  const auto device = open_device(8 * mebibyte);
  const std::string words = failure_of(NER_OUT_OF_MEMORY, [&] {
    device->run([&] {
      const DeviceBuffer<char> most(device->memory(), 6 * mebibyte);
      const DeviceBuffer<char> too_much(device->memory(), 3 * mebibyte);
    });
  });
  CHECK(contains(words, std::to_string(3 * mebibyte) + " bytes more") && contains(words, "8388608 bytes that it may hold") &&
            contains(words, "memory limit") && contains(words, "are free"),
        words);
  CHECK(works(*device), "after it");
  // What was given back counts no more, in the same work as in the next; but it has to be waited for.
  device->run([&] {
    { const DeviceBuffer<char> most(device->memory(), 8 * mebibyte); }
    const DeviceBuffer<char> others[2] = {{device->memory(), 4 * mebibyte}, {device->memory(), 4 * mebibyte}};
    CHECK(device->memory().held() == 8 * mebibyte && device->memory().available() == 0,
          std::to_string(device->memory().held()));
  });
  failure_of(NER_OUT_OF_MEMORY, [&] { device->run([&] { const DeviceBuffer<double> all(device->memory(), SIZE_MAX / 8); }); });
  failure_of(NER_OUT_OF_MEMORY, [&] { device->run([&] { const DeviceBuffer<double> all(device->memory(), SIZE_MAX / 2); }); });
  CHECK(works(*device), "after it");
}

TEST("more than the GPU has is refused, with what is free") {
  const auto device = open_device();
  const std::string words = failure_of(NER_OUT_OF_MEMORY, [&] {
    device->run([&] { const DeviceBuffer<char> all(device->memory(), device->properties().totalGlobalMem + mebibyte); });
  });
  CHECK(contains(words, "more were asked for") && contains(words, "MiB are free") && contains(words, "device \"cpu\""), words);
  CHECK(works(*device), "after it");
}

TEST("work that throws leaves nothing behind") {
  const auto device = open_device();
  for (int round = 0; round < 5; ++round) {
    failure_of(NER_INVALID_ARGUMENT, [&] {
      device->run([&] {
        std::vector<uint32_t> values = random_values(5000);
        const DeviceBuffer<uint32_t> from(device->memory(), values.size());
        device->staging().upload(values.data(), from.bytes(), from.get(), device->stream());
        queue_add_one(*device, from.get(), from.get(), values.size());
        throw Failure(NER_INVALID_ARGUMENT, "no");
      });
    });
    CHECK(works(*device), "after it");
  }
}

TEST("a launch that asks for too much says so, and only it fails") {
  const auto device = open_device();
  device->run([&] {
    const DeviceBuffer<uint32_t> values(device->memory(), 64);
    const auto start = [&](unsigned threads, size_t shared_bytes) {
      launch(add_one, 1, threads, shared_bytes, device->stream(), static_cast<const uint32_t *>(values.get()), values.get(), size_t{0});
    };
    CHECK(contains(failure_of(NER_FAILED, [&] { start(2048, 0); }), "starting a kernel"), "2048 threads");
    failure_of(NER_FAILED, [&] { start(32, size_t{1} << 20); });
    start(32, device->properties().sharedMemPerBlockOptin);
  });
  CHECK(works(*device), "after it");
}

TEST("many threads may ask at once") {
  const auto device = open_device();
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  const std::vector<uint32_t> values = random_values(3000);
  for (size_t thread = 0; thread < good.size(); ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 10; ++round) {
        std::vector<uint32_t> result(values.size());
        device->run([&] {
          const DeviceBuffer<uint32_t> from(device->memory(), values.size());
          device->staging().upload(values.data(), from.bytes(), from.get(), device->stream());
          queue_add_one(*device, from.get(), from.get(), values.size());
          device->staging().download(from.get(), from.bytes(), result.data(), device->stream());
        });
        good[thread] += result[7] == values[7] + 1 ? 1 : 0;
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (const int count : good) CHECK(count == 10, std::to_string(count));
}

#if defined(NER_RETRIEVER_CUDA_EMULATION)

namespace {

const cuda_emulation_controls_table &controls() { return *cuda_emulation_controls(); }

}  // namespace

TEST("all of it under streams that are late, at once and between") {
  for (const cuda_emulation_streams streams : {CUDA_EMULATION_LAZY, CUDA_EMULATION_EAGER, CUDA_EMULATION_RANDOM}) {
    controls().set_streams(streams);
    const auto device = open_device(0, 4096);
    for (int round = 0; round < 5; ++round) CHECK(works(*device), std::to_string(streams));
  }
  controls().reset();
}

TEST("a second batch allocates nothing, frees nothing, and waits only at its end") {
  controls().set_streams(CUDA_EMULATION_LAZY);
  const auto device = open_device(0, size_t{1} << 16);
  const std::vector<uint32_t> values = random_values(4000);
  const auto batch = [&] {
    device->run([&] {
      const DeviceBuffer<uint32_t> from(device->memory(), values.size());
      const DeviceBuffer<uint32_t> to(device->memory(), values.size());
      device->staging().upload(values.data(), from.bytes(), from.get(), device->stream());
      const size_t waits = controls().waits();
      for (int step = 0; step < 10; ++step) {
        const DeviceBuffer<uint32_t> between(device->memory(), 100);
        queue_add_one(*device, from.get(), to.get(), values.size());
      }
      CHECK(controls().waits() == waits, "within the batch");
    });
  };
  batch();
  const size_t allocations = controls().allocations();
  const size_t launches = controls().launches();
  batch();
  CHECK(controls().allocations() == allocations, std::to_string(controls().allocations() - allocations));
  CHECK(controls().launches() == launches + 10, std::to_string(controls().launches() - launches));
  controls().reset();
}

TEST("wherever an allocation fails, it is out of memory, and all is well after it") {
  const size_t allocated = controls().allocated();
  const size_t pinned = controls().pinned();
  for (unsigned nth = 1; nth <= 2; ++nth) {
    controls().fail_allocation(nth);
    const std::string words = failure_of(NER_OUT_OF_MEMORY, [] { open_device(); });
    CHECK(contains(words, "pinned"), words);
    CHECK(controls().pinned() == pinned, "opening");
  }
  for (unsigned nth = 1; nth <= 2; ++nth) {
    const auto device = open_device();
    controls().fail_allocation(nth);
    const std::string words = failure_of(NER_OUT_OF_MEMORY, [&] { works(*device); });
    CHECK(contains(words, "4096 MiB are free") || contains(words, "4095 MiB of 4096 MiB are free"), words);
    CHECK(works(*device), "after it");
  }
  CHECK(controls().allocated() == allocated && controls().pinned() == pinned, "given back");
  controls().reset();
}

TEST("memory that others took is noticed: what is kept for later is freed first") {
  const auto device = open_device();
  device->run([&] { const DeviceBuffer<char> block(device->memory(), 20 * mebibyte); });
  CHECK(device->memory().held() == 20 * mebibyte, std::to_string(device->memory().held()));
  controls().set_memory(24 * mebibyte);
  device->run([&] { const DeviceBuffer<char> block(device->memory(), 10 * mebibyte); });
  CHECK(device->memory().held() == 10 * mebibyte, std::to_string(device->memory().held()));
  controls().reset();
}

TEST("an error that stays is told as one, by every call from then on") {
  {
    const auto device = open_device();
    controls().fail_launch(1);
    CHECK(contains(failure_of(NER_FAILED, [&] { works(*device); }), "restart it"), "the call that failed");
    CHECK(contains(failure_of(NER_FAILED, [&] { works(*device); }), "restart it"), "the next");
    CHECK(contains(failure_of(NER_FAILED, [&] { open_device(); }), "restart it"), "another device");
    controls().reset();
    CHECK(works(*device), "a new process");
  }
  controls().reset();
}

#endif

int main() { return run_all_on_a_device(); }
