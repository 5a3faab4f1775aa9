// cuda_bench STAGE [--small] [--repeats N] [--rows N] [--blas FILE]: what the operations take on the device, with everything where they want it.
//
// One line of JSON a measurement: {"what", "median_ms", "least_ms", "most_ms", "repeats"} and what it must move or compute
// ("bytes", "operations"), counted from the shapes and without any padding. check.py runs the stages and holds them
// against the card's own ceilings.
//
// Times are between two CUDA events in the operation's stream, so what a call makes the host do in between counts. Inputs
// are random, larger than any cache or taken in turns, and outputs are poisoned before and looked through afterwards.

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pool_spans.cuh"
#include "project_rows.h"
#include "rows.h"
#include "rows_search.h"
#include "runtime/device.h"
#include "runtime/device_buffer.h"
#include "runtime/launch.h"
#include "trainer.h"

namespace {

using namespace ner_retriever::cuda;

struct Options {
  std::string stage;
  bool small = false;  // sizes for the emulation
  int repeats = 0;     // 0: as the stage says
  size_t rows = 0;     // of the scans; 0: 10 million
  std::string blas;    // of projection-cublas: its file; "": the system's
};

// --- the device's own data ---

__device__ inline uint32_t mixed(uint64_t place, uint32_t seed) {
  uint64_t x = place + 0x9e3779b97f4a7c15ull * (seed + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return static_cast<uint32_t>(x >> 32);
}

// Evenly between -1 and 1.
__device__ inline float random_value(uint64_t place, uint32_t seed) {
  return static_cast<float>(mixed(place, seed) >> 8) * (2.0f / 16777216.0f) - 1.0f;
}

__global__ void fill_floats(float *values, size_t count, uint32_t seed) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
    values[i] = random_value(i, seed);
}

// Zero beyond `columns`, as projections want it.
__global__ void fill_rows(__nv_bfloat16 *rows, size_t row_count, size_t columns, size_t stride, uint32_t seed) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < row_count * stride; i += step)
    rows[i] = __float2bfloat16_rn(i % stride < columns ? random_value(i, seed) : 0.0f);
}

__global__ void count_words(const uint32_t *words, size_t count, uint32_t wanted, unsigned *found) {
  const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
  unsigned mine = 0;
  for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) mine += words[i] == wanted;
  if (mine > 0) atomicAdd(found, mine);
}

constexpr unsigned fill_blocks = 1024, fill_threads = 256;

unsigned blocks_for(const Options &options) { return options.small ? 2 : fill_blocks; }

// --- what is measured ---

class TimedEvent {
 public:
  TimedEvent() { check(cudaEventCreate(&event_), "making an event"); }
  ~TimedEvent() { cudaEventDestroy(event_); }
  TimedEvent(const TimedEvent &) = delete;
  TimedEvent &operator=(const TimedEvent &) = delete;
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// Milliseconds of work(turn), which queues in the device's stream: `repeats` of them, in rising order.
template <class Work>
std::vector<float> timed(Device &device, int repeats, const Work &work) {
  const TimedEvent begin, end;
  std::vector<float> times;
  constexpr int warming = 2;
  for (int turn = -warming; turn < repeats; ++turn) {
    device.run([&] {
      check(cudaEventRecord(begin, device.stream()), "beginning a measurement");
      work(turn + warming);
      check(cudaEventRecord(end, device.stream()), "ending a measurement");
    });
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "reading a measurement");
    if (turn >= 0) times.push_back(milliseconds);
  }
  std::sort(times.begin(), times.end());
  return times;
}

void print(const std::string &what, const std::vector<float> &times, double bytes, double operations,
           const std::string &more = "") {
  const float median = times.size() % 2 == 1 ? times[times.size() / 2]
                                             : (times[times.size() / 2 - 1] + times[times.size() / 2]) / 2;
  std::printf("{\"what\": \"%s\", \"median_ms\": %.6f, \"least_ms\": %.6f, \"most_ms\": %.6f, \"repeats\": %zu", what.c_str(),
              static_cast<double>(median), static_cast<double>(times.front()), static_cast<double>(times.back()), times.size());
  if (bytes > 0) std::printf(", \"bytes\": %.0f", bytes);
  if (operations > 0) std::printf(", \"operations\": %.0f", operations);
  std::printf("%s}\n", more.c_str());
  std::fflush(stdout);
}

template <class T>
void poison(Device &device, const DeviceBuffer<T> &out) {
  device.run([&] { check(cudaMemsetAsync(out.get(), 0xff, out.bytes(), device.stream()), "poisoning an output"); });
}

// Throws where something was not written: 0xffff… is a NaN that nothing computes.
template <class T>
void expect_written(Device &device, const Options &options, const DeviceBuffer<T> &out, const std::string &what) {
  unsigned left = 0;
  device.run([&] {
    const DeviceBuffer<unsigned> found(device.memory(), 1);
    check(cudaMemsetAsync(found.get(), 0, found.bytes(), device.stream()), "clearing a count");
    launch(count_words, dim3(blocks_for(options)), dim3(fill_threads), 0, device.stream(),
           reinterpret_cast<const uint32_t *>(out.get()), out.bytes() / 4, 0xffffffffu, found.get());
    device.staging().download(found.get(), found.bytes(), &left, device.stream());
  });
  if (left > 0) throw Failure(NER_FAILED, what + ": " + std::to_string(left) + " words were not written");
}

DeviceBuffer<float> random_floats(Device &device, const Options &options, size_t count, uint32_t seed) {
  DeviceBuffer<float> values(device.memory(), count);
  launch(fill_floats, dim3(blocks_for(options)), dim3(fill_threads), 0, device.stream(), values.get(), count, seed);
  return values;
}

std::vector<float> host_floats(size_t count, unsigned seed, float scale = 1.0f) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> even(-scale, scale);
  std::vector<float> values(count);
  for (float &value : values) value = even(generator);
  return values;
}

// --- the stages ---

// The ceiling of what moves bytes: read once, written once, both counted.
void copy(Device &device, const Options &options) {
  const size_t count = options.small ? 1 << 12 : size_t{1} << 30;  // 4 GiB
  DeviceBuffer<float> from, to;
  device.run([&] {
    from = random_floats(device, options, count, 1);
    to = DeviceBuffer<float>(device.memory(), count);
  });
  poison(device, to);
  const auto times = timed(device, options.repeats > 0 ? options.repeats : 21, [&](int turn) {
    const auto &source = turn % 2 == 0 ? from : to;
    const auto &target = turn % 2 == 0 ? to : from;
    check(cudaMemcpyAsync(target.get(), source.get(), source.bytes(), cudaMemcpyDeviceToDevice, device.stream()), "copying");
  });
  expect_written(device, options, to, "copy");
  print("copy", times, 2.0 * static_cast<double>(from.bytes()), 0);
}

// Token rows of 1,024 in spans of 1 to 5 tokens, one after the other. Rows of tokens that a pooling does not read are not counted.
void pooling(Device &device, const Options &options) {
  const size_t dimensions = options.small ? 96 : 1024, tokens = options.small ? 200 : size_t{1} << 20;
  std::mt19937 generator(7);
  std::vector<int2> spans;
  for (size_t at = 0; at + 5 <= tokens;) {
    const size_t length = 1 + generator() % 5;
    spans.push_back(make_int2(static_cast<int>(at), static_cast<int>(at + length)));
    at += length;
  }
  std::shuffle(spans.begin(), spans.end(), generator);
  DeviceBuffer<float> rows, out;
  DeviceBuffer<int2> places;
  device.run([&] {
    rows = random_floats(device, options, tokens * dimensions, 2);
    out = DeviceBuffer<float>(device.memory(), spans.size() * dimensions * 2);
    places = DeviceBuffer<int2>(device.memory(), spans.size());
    device.staging().upload(spans.data(), spans.size() * sizeof(int2), places.get(), device.stream());
  });
  const struct {
    const char *name;
    ner_pooling pooling;
  } kinds[] = {{"last", NER_POOL_LAST}, {"first", NER_POOL_FIRST}, {"mean", NER_POOL_MEAN}, {"first+last", NER_POOL_FIRST_LAST}};
  for (const auto &kind : kinds) {
    double rows_read = 0;
    for (const int2 &span : spans) {
      const int length = span.y - span.x;
      rows_read += kind.pooling == NER_POOL_MEAN ? length : kind.pooling == NER_POOL_FIRST_LAST ? std::min(length, 2) : 1;
    }
    const size_t columns = pooled_columns(kind.pooling, dimensions);
    const double read = rows_read * static_cast<double>(dimensions) * 4 + static_cast<double>(spans.size()) * 8;
    const double values = static_cast<double>(spans.size() * columns);
    const int repeats = options.repeats > 0 ? options.repeats : 21;

    device.run([&] { out = DeviceBuffer<float>(device.memory(), spans.size() * columns); });
    poison(device, out);
    const auto times = timed(device, repeats, [&](int) {
      pool_spans(device.stream(), rows.get(), dimensions, places.get(), spans.size(), kind.pooling, out.get());
    });
    expect_written(device, options, out, "pooling");
    print(std::string("pooling ") + kind.name, times, read + 4 * values, 0);

    // Fused with the rounding that a projection needs.
    poison(device, out);
    const auto rounded = timed(device, repeats, [&](int) {
      pool_spans(device.stream(), rows.get(), dimensions, places.get(), spans.size(), kind.pooling,
                 reinterpret_cast<__nv_bfloat16 *>(out.get()), columns);
    });
    print(std::string("pooling ") + kind.name + " to bfloat16", rounded, read + 2 * values, 0);
  }
}

// Rows that are on the device, through 1024 -> 500 -> SiLU -> 500 -> L2. Operations: two for each product and sum of the two layers.
void projection(Device &device, const Options &options, const std::string &by) {
  const size_t input = options.small ? 96 : 1024, width = options.small ? 70 : 500;
  const size_t row_count = options.small ? 300 : 1000000;
  const std::vector<float> weight_1 = host_floats(width * input, 1, 0.06f), bias_1 = host_floats(width, 2);
  const std::vector<float> weight_2 = host_floats(width * width, 3, 0.08f), bias_2 = host_floats(width, 4);
  const ner_linear_layer layers[] = {{weight_1.data(), bias_1.data(), width}, {weight_2.data(), bias_2.data(), width}};

  std::unique_ptr<Projection> head;
  Projection::Between between;
  DeviceBuffer<__nv_bfloat16> rows;
  DeviceBuffer<float> out;
  device.run([&] {
    head = std::make_unique<Projection>(device, layers, 2, input);
    between = head->between(row_count);
    rows = DeviceBuffer<__nv_bfloat16>(device.memory(), head->padded_rows(row_count) * head->padded_input());
    launch(fill_rows, dim3(blocks_for(options)), dim3(fill_threads), 0, device.stream(), rows.get(), head->padded_rows(row_count),
           input, head->padded_input(), 5u);
    out = DeviceBuffer<float>(device.memory(), row_count * width);
  });
  poison(device, out);
  const auto times = timed(device, options.repeats > 0 ? options.repeats : 15,
                           [&](int) { head->run_on_device(rows.get(), row_count, between, out.get()); });
  expect_written(device, options, out, "projection");
  const double operations = 2.0 * static_cast<double>(row_count) * static_cast<double>(width * input + width * width);
  const double bytes = static_cast<double>(row_count) * static_cast<double>(2 * input + 4 * width);
  print("projection by " + by, times, bytes, operations);
  device.run([&] {
    between = {};
    rows = {};
    out = {};
    head.reset();
  });
}

// Segments of a pool of random halves, each from another place of it on, so that rows differ.
void append_random_rows(Device &device, Rows &rows, size_t row_count, size_t dimensions, size_t segment_rows) {
  constexpr size_t shift = 9973;
  const size_t segments = (row_count + segment_rows - 1) / segment_rows;
  std::vector<uint16_t> halves(segment_rows * dimensions + segments * shift);
  std::mt19937_64 generator(11);
  // Between 0.25 and 1 of either sign: two bits of exponent that are never 0 together, seven of mantissa.
  for (size_t i = 0; i < halves.size(); i += 4) {
    const uint64_t bits = generator();
    for (size_t j = i; j < std::min(i + 4, halves.size()); ++j) {
      const auto part = static_cast<uint16_t>(bits >> (16 * (j - i)));
      halves[j] = static_cast<uint16_t>((part & 0x8000u) | 0x3e80u | (part & 0x00ffu));
    }
  }
  for (size_t segment = 0; segment < segments; ++segment) {
    const size_t first = segment * segment_rows;
    ner_segment one = {};
    one.halves = halves.data() + segment * shift;
    one.count = std::min(segment_rows, row_count - first);
    device.run([&] { rows.append(one); });
  }
}

// 1 query, 8 queries, and 1,024 of them for the best 100, over rows of 500 bfloat16.
void search(Device &device, const Options &options) {
  const size_t dimensions = options.small ? 40 : 500;
  const size_t row_count = options.rows > 0 ? options.rows : options.small ? 3000 : 10000000;
  std::unique_ptr<Rows> rows;
  device.run([&] { rows = std::make_unique<Rows>(device, NER_BFLOAT16, dimensions); });
  append_random_rows(device, *rows, row_count, dimensions, options.small ? 1000 : 1000000);

  const size_t many = options.small ? 24 : 1024, limit = options.small ? 10 : 100;
  const int turns = 4;
  const std::vector<float> queries = host_floats(static_cast<size_t>(turns) * many * dimensions, 13);
  const double bytes = static_cast<double>(row_count * dimensions) * 2;
  const struct {
    size_t queries;
    int repeats;
  } kinds[] = {{1, 21}, {8, 11}, {many, 7}};
  for (const auto &kind : kinds) {
    std::vector<float> scores(kind.queries * limit);
    std::vector<uint32_t> found(kind.queries * limit);
    std::vector<size_t> counts(kind.queries);
    const ner_cuda_found answer = {limit, scores.data(), found.data(), counts.data()};
    const auto times = timed(device, options.repeats > 0 ? options.repeats : kind.repeats, [&](int turn) {
      std::fill(counts.begin(), counts.end(), 0);
      const float *these = queries.data() + static_cast<size_t>(turn % turns) * many * dimensions;
      search_rows(*rows, row_count, nullptr, these, kind.queries, limit, answer);
    });
    for (const size_t count : counts)
      if (count != limit) throw Failure(NER_FAILED, "search: " + std::to_string(count) + " rows were found for a query");
    print("search " + std::to_string(kind.queries) + (kind.queries == 1 ? " query" : " queries"), times, bytes,
          2.0 * static_cast<double>(kind.queries) * static_cast<double>(row_count * dimensions),
          ", \"rows\": " + std::to_string(row_count) + ", \"dimensions\": " + std::to_string(dimensions) +
              ", \"limit\": " + std::to_string(limit));
  }
  device.run([&] { rows.reset(); });
}

// A step of a head 1024 -> 500 -> 500 with dropout: 128 examples, each with a positive and 4 negatives, by InfoNCE. The batch's
// rows come from the host in every step.
void training(Device &device, const Options &options) {
  const size_t input = options.small ? 48 : 1024, width = options.small ? 30 : 500;
  const size_t examples = options.small ? 8 : 128, negatives = 4, table_rows = options.small ? 100 : 100000;
  const ner_trainer_options shape = {input, width, width, 0, 0.1f, 17};
  const std::vector<float> parameters = host_floats(ner_trainer_parameter_count(&shape), 19, 0.03f);
  const std::vector<float> table = host_floats(table_rows * input, 23);
  std::mt19937 generator(29);

  std::unique_ptr<Trainer> trainer;
  device.run([&] { trainer = std::make_unique<Trainer>(device, shape, parameters.data(), nullptr, nullptr, 0); });
  const size_t rows_each = 2 + negatives;
  std::vector<int32_t> rows(examples * rows_each), anchors(examples), positives(examples), others(examples * negatives);
  for (size_t example = 0; example < examples; ++example) {
    const auto first = static_cast<int32_t>(example * rows_each);
    anchors[example] = first;
    positives[example] = first + 1;
    for (size_t i = 0; i < negatives; ++i) others[example * negatives + i] = first + 2 + static_cast<int32_t>(i);
  }
  const ner_training_batch batch = {table.data(),   table_rows,       rows.data(), rows.size(), anchors.data(),
                                    positives.data(), examples, others.data(), negatives, nullptr};
  const ner_loss_options loss = {NER_LOSS_INFO_NCE, 0.2f, 0.05f};
  const ner_update_options update = {1e-3f, 0.01f, 1.0f};
  double last = 0;
  const auto times = timed(device, options.repeats > 0 ? options.repeats : 51, [&](int) {
    for (int32_t &row : rows) row = static_cast<int32_t>(generator() % table_rows);
    last = trainer->step(batch, loss, update).loss;
  });
  if (!std::isfinite(last)) throw Failure(NER_FAILED, "training: the loss is not finite");
  // Forward, and twice as much backward.
  const double operations = 6.0 * static_cast<double>(rows.size()) * static_cast<double>(width * input + width * width);
  print("training step", times, 0, operations, ", \"rows\": " + std::to_string(rows.size()));
  device.run([&] { trainer.reset(); });
}

int run(const Options &options) {
  const bool own = options.stage != "projection-cublas";
  const ner_cuda_device_options how = {0, 0, own ? "" : options.blas.empty() ? nullptr : options.blas.c_str()};
  Device device(0, how);
  const ner_cuda_device_description about = device.describe();
  std::printf("{\"card\": \"%s\", \"compute\": \"%d.%d\", \"memory\": %zu, \"driver\": %d, \"runtime\": %d, \"blas\": \"%s\"}\n",
              about.name, about.major, about.minor, about.memory, about.driver_version, about.runtime_version, about.blas);
  if (!own && std::strncmp(about.blas, "cuBLAS", 6) != 0)
    throw Failure(NER_UNAVAILABLE, std::string("expected cuBLAS, got ") + about.blas);
  if (options.stage == "copy") copy(device, options);
  else if (options.stage == "pooling") pooling(device, options);
  else if (options.stage == "projection") projection(device, options, "own kernels");
  else if (options.stage == "projection-cublas") projection(device, options, "cuBLAS");
  else if (options.stage == "search") search(device, options);
  else if (options.stage == "training") training(device, options);
  else throw Failure(NER_INVALID_ARGUMENT, "expected the stage copy, pooling, projection, projection-cublas, search or training, got '" + options.stage + "'");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int count, char **arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--small") options.small = true;
    else if (argument == "--repeats" && i + 1 < count) options.repeats = std::atoi(arguments[++i]);
    else if (argument == "--rows" && i + 1 < count) options.rows = std::strtoull(arguments[++i], nullptr, 10);
    else if (argument == "--blas" && i + 1 < count) options.blas = arguments[++i];
    else options.stage = argument;
  }
  try {
    return run(options);
  } catch (const std::exception &error) {
    std::printf("{\"error\": \"%s\"}\n", error.what());
    return EXIT_FAILURE;
  }
}
