#include "cuda_test.h"

#include <dlfcn.h>

#include "ner_retriever/cuda.h"

// cuda_test LIBRARY: all cases of the files beside this one, on the CUDA library at that path.

namespace {

constexpr int skipped = 77;

const ner_cuda_api *table = nullptr;
const cuda_emulation_controls_table *controls = nullptr;

}  // namespace

const ner_cuda_api &api() { return *table; }

const cuda_emulation_controls_table *emulated() { return controls; }

void run_cuda_case(void (*run)()) {
  if (controls == nullptr) {
    run();
    return;
  }
  constexpr const char *names[] = {"random", "lazy", "eager"};
  for (const cuda_emulation_streams streams : {CUDA_EMULATION_RANDOM, CUDA_EMULATION_LAZY, CUDA_EMULATION_EAGER}) {
    controls->reset();
    controls->seed(static_cast<uint32_t>(generator()()));
    controls->set_streams(streams);
    const size_t allocated = controls->allocated();
    const size_t pinned = controls->pinned();
    const int before = failures();
    run();
    CHECK(controls->allocated() == allocated, "memory of the GPU that was not given back");
    CHECK(controls->pinned() == pinned, "pinned memory that was not given back");
    if (failures() > before) std::printf("    (streams: %s)\n", names[streams]);
  }
  controls->reset();
}

int main(int count, char **arguments) {
  if (count != 2) {
    std::printf("usage: cuda_test LIBRARY\n");
    return EXIT_FAILURE;
  }
  table = ner_retriever::load_cuda(arguments[1]);
  if (table == nullptr) {
    std::printf("%s\n", ner_last_error());
    return EXIT_FAILURE;
  }
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  using Controls = const cuda_emulation_controls_table *(*)();
  if (const auto entry = reinterpret_cast<Controls>(dlsym(library, "cuda_emulation_controls"))) controls = entry();

  int devices = 0;
  if (controls == nullptr && table->device_count(&devices) != NER_OK) {
    std::printf("skipped: %s\n", table->last_error());
    return skipped;
  }
  std::printf("%s\n", controls != nullptr ? "the emulated GPU" : "a GPU");
  return run_all();
}
