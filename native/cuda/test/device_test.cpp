#include <string>

#include "cuda_test.h"

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
  const ner_cuda_device_options options = {0, 0, ""};
  ner_cuda_device *device = nullptr;
  for (const int number : {-1, 1000}) {
    CHECK(api().device_open(number, &options, &device) == NER_INVALID_ARGUMENT, std::to_string(number));
    CHECK(std::string(api().last_error()).find("got " + std::to_string(number)) != std::string::npos, api().last_error());
  }
}
