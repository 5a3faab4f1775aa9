#include <string>
#include <vector>

#include "cuda_test.h"
#include "ner_retriever/cuda.h"

namespace {

bool says(const std::string &part) { return std::string(api().last_error()).find(part) != std::string::npos; }

ner_status open(int number) {
  const ner_cuda_device_options options = {0, 0, ""};
  ner_cuda_device *device = nullptr;
  const ner_status status = api().device_open(number, &options, &device);
  if (device != nullptr) api().device_close(device);
  return status;
}

}  // namespace

TEST("a library that is not there, or is none, is not loaded") {
  CHECK(ner_retriever::load_cuda("/no/such/library.so") == nullptr, "");
  CHECK(std::string(ner_last_error()).find("built without CUDA") != std::string::npos, ner_last_error());
  CHECK(ner_retriever::load_cuda("/dev/null") == nullptr, "");
  CHECK(std::string(ner_last_error()).find("could not be loaded") != std::string::npos, ner_last_error());
}

CUDA_TEST("a device is counted, opened, described and closed") {
  int count = 0;
  CHECK_OK(api().device_count(&count));
  CHECK(count >= 1, std::to_string(count));
  const TestDevice device;
  ner_cuda_device_description description = {};
  CHECK_OK(api().device_describe(device, &description));
  CHECK(description.name[0] != '\0' && description.major >= 8 && description.multiprocessors > 0, description.name);
  CHECK(description.memory > 0 && description.free_memory <= description.memory && description.held_memory == 0,
        std::to_string(description.held_memory));
  CHECK(description.driver_version >= description.runtime_version / 1000 * 1000 && description.runtime_version >= 12080,
        std::to_string(description.driver_version));
}

CUDA_TEST("a device that is not there is refused") {
  for (const int number : {-1, 1000}) {
    CHECK(open(number) == NER_INVALID_ARGUMENT, std::to_string(number));
    CHECK(says("got " + std::to_string(number)), api().last_error());
  }
}

CUDA_TEST("several devices may be open at once") {
  const TestDevice one;
  const TestDevice other;
  CHECK(one.held() == 0 && other.held() == 0, "");
}

CUDA_TEST("no driver, an old one, no device and no code for it are told apart, each with what to do") {
  const cuda_emulation_controls_table *controls = emulated();
  if (controls == nullptr) return;
  int count = 5;
  controls->set_driver_version(0);
  CHECK(api().device_count(&count) == NER_UNAVAILABLE && says("no NVIDIA driver") && says("13.0"), api().last_error());
  CHECK(open(0) == NER_UNAVAILABLE && says("no NVIDIA driver"), api().last_error());
  controls->set_driver_version(12040);
  CHECK(api().device_count(&count) == NER_UNAVAILABLE && says("too old") && says("12.4") && says("newer driver"), api().last_error());
  controls->reset();
  controls->set_device_count(0);
  CHECK(api().device_count(&count) == NER_UNAVAILABLE && says("CUDA_VISIBLE_DEVICES"), api().last_error());
  CHECK(open(0) == NER_UNAVAILABLE && says("CUDA_VISIBLE_DEVICES"), api().last_error());
  controls->set_device_count(2);
  CHECK(api().device_count(&count) == NER_OK && count == 2, std::to_string(count));
  CHECK(open(1) == NER_OK, api().last_error());
  CHECK(open(2) == NER_INVALID_ARGUMENT && says("from 0 to 1"), api().last_error());
  controls->set_has_code(0);
  CHECK(open(0) == NER_UNAVAILABLE && says("no code for emulated GPU") && says("9.0"), api().last_error());
  controls->reset();
  CHECK(open(0) == NER_OK, api().last_error());
}

CUDA_TEST("a device that cannot have its pinned memory is not opened, and leaves nothing") {
  const cuda_emulation_controls_table *controls = emulated();
  if (controls == nullptr) return;
  for (unsigned nth = 1; nth <= 2; ++nth) {
    controls->fail_allocation(nth);
    CHECK(open(0) == NER_OUT_OF_MEMORY && says("pinned"), api().last_error());
  }
  CHECK(open(0) == NER_OK, api().last_error());
}
