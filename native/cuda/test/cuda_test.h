#pragma once

#include <memory>
#include <utility>

#include "controls.h"
#include "cuda_api.h"
#include "harness.h"

// What the cases of all operations need: the library that is tested (cuda_test.cpp opens it), and a device of it.

// The table of the library.
const ner_cuda_api &api();

// What the emulated device can be made to do; null where a GPU is tested.
const cuda_emulation_controls_table *emulated();

// CHECK that a call of the table went well, with its words where it did not.
#define CHECK_OK(call) CHECK((call) == NER_OK, api().last_error())

// A device of its own, closed at the end. The emulated one begins as it was at the start of the program.
class TestDevice {
 public:
  // Small staging buffers, so that what a test copies goes through them in many pieces.
  explicit TestDevice(ner_cuda_device_options options = {0, size_t{1} << 14, ""}) { CHECK_OK(api().device_open(0, &options, &device_)); }
  ~TestDevice() {
    if (device_ != nullptr) api().device_close(device_);
  }
  TestDevice(const TestDevice &) = delete;
  TestDevice &operator=(const TestDevice &) = delete;

  operator ner_cuda_device *() const { return device_; }

  size_t held() const {
    ner_cuda_device_description description = {};
    CHECK_OK(api().device_describe(device_, &description));
    return description.held_memory;
  }

 private:
  ner_cuda_device *device_ = nullptr;
};

// A case that runs with the emulated device doing its work at random, as late as it may, and at once; on a GPU as it is.
#define CUDA_TEST(name) CUDA_TEST_AT(name, __COUNTER__)
#define CUDA_TEST_AT(name, n)                                                                       \
  static void TEST_JOIN(cuda_test_, n)();                                                           \
  static const AddCase TEST_JOIN(add_cuda_, n)(name, [] { run_cuda_case(TEST_JOIN(cuda_test_, n)); }); \
  static void TEST_JOIN(cuda_test_, n)()
void run_cuda_case(void (*run)());
