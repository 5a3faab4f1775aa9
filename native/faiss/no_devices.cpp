#include "failure.h"
#include "on_devices.h"

// Linked where FAISS was built without GPUs: there is never one of these.

namespace {

[[noreturn]] void unavailable() {
  throw Failure(NER_UNAVAILABLE,
                "the FAISS that the addon was compiled with knows no GPU. Compile the addon again where CMake finds a FAISS "
                "that was built with FAISS_ENABLE_GPU: docs/faiss-gpu.md says how to get one");
}

}  // namespace

struct OnDevices::Resources {};

int OnDevices::count() { unavailable(); }

OnDevices::OnDevices(const faiss::Index &, const ner_faiss_device_options &) { unavailable(); }
OnDevices::~OnDevices() = default;

bool OnDevices::has_lists() const { return false; }
void OnDevices::search(const float *, size_t, size_t, const ner_faiss_parameters &, float *, int64_t *) { unavailable(); }
void OnDevices::check_change(size_t) const { unavailable(); }
std::unique_ptr<faiss::Index> OnDevices::to_host() { unavailable(); }
void OnDevices::use_nprobe(size_t) {}
