#include "ner_retriever/cuda_device.h"

#include <string>

#include "cuda_test.h"

// The trial that a process makes of a GPU before it is used: on the library, and on the same library with one function that
// answers wrong or fails.

namespace {

using ner_retriever::CudaDevice;

std::string said_of(const ner_cuda_api &library) {
  std::shared_ptr<CudaDevice> device;
  ner_status status = CudaDevice::open(library, 0, 0, &device);
  if (status == NER_OK) status = ner_retriever::try_cuda(device);
  return status == NER_OK ? "right" : ner_last_error();
}

}  // namespace

CUDA_TEST("a device that answers right is said to") { CHECK(said_of(api()) == "right", ner_last_error()); }

CUDA_TEST("one wrong number of a product is found") {
  ner_cuda_api wrong = api();
  wrong.projection_run = [](ner_cuda_projection *projection, const float *rows, size_t row_count, float *out) {
    const ner_status status = api().projection_run(projection, rows, row_count, out);
    out[17] += 1e-3f;
    return status;
  };
  CHECK(said_of(wrong) == "it multiplied wrong", said_of(wrong));
}

CUDA_TEST("a product that was not written is found") {
  ner_cuda_api wrong = api();
  wrong.projection_run = [](ner_cuda_projection *, const float *, size_t, float *) { return NER_OK; };
  CHECK(said_of(wrong) == "it multiplied wrong", said_of(wrong));
}

CUDA_TEST("a search that finds another row is found") {
  ner_cuda_api wrong = api();
  wrong.rows_search = [](ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *queries,
                         size_t query_count, size_t limit, const ner_cuda_found *found) {
    const ner_status status = api().rows_search(rows, row_count, selection, queries, query_count, limit, found);
    ++found->rows[0];
    return status;
  };
  CHECK(said_of(wrong) == "it searched wrong", said_of(wrong));
}

CUDA_TEST("a failure keeps the words of the library") {
  ner_cuda_api failing = api();
  failing.rows_append = [](ner_cuda_rows *, const ner_segment *) { return NER_FAILED; };
  failing.last_error = [] { return "an illegal memory access"; };
  CHECK(said_of(failing) == "an illegal memory access", said_of(failing));
}

CUDA_TEST("no device is a failure with its reason, too") {
  if (emulated() == nullptr) return;
  emulated()->set_device_count(0);
  CHECK(said_of(api()).find("CUDA_VISIBLE_DEVICES") != std::string::npos, said_of(api()));
}
