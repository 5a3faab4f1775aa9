#include "device_plan.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexScalarQuantizer.h>

#include <algorithm>
#include <string>

#include "failure.h"

namespace {

// A list's rows lie in groups of so many.
constexpr size_t list_group = 32;

// CAGRA is built with 128 links a row and keeps 64, 4 bytes each.
constexpr size_t graph_bytes = (128 + 64) * 4;

[[noreturn]] void refuse(const std::string &what) { throw Failure(NER_INVALID_ARGUMENT, what); }

// Of each GPU.
size_t list_bytes(const faiss::IndexIVF &lists, size_t devices) {
  size_t bytes = lists.nlist * static_cast<size_t>(lists.d) * sizeof(float);
  for (size_t list = 0; list < lists.nlist; ++list) {
    const size_t rows = (lists.invlists->list_size(list) + devices - 1) / devices;
    bytes += (rows + list_group - 1) / list_group * list_group * lists.code_size + rows * sizeof(int64_t);
  }
  return bytes;
}

void check_product_quantiser(const faiss::IndexIVFPQ &index) {
  if (index.pq.nbits != 8)
    refuse("expected PQ codes of 8 bits, as in 'IVF4096,PQ32': a GPU has no others, got " +
           std::to_string(index.pq.nbits) + " bits");
  if (!index.by_residual || index.polysemous_ht != 0)
    refuse("expected PQ codes of what is left after the centroid (by_residual) and no polysemous ones: a GPU has no others");
}

}  // namespace

DevicePlan plan_for_devices(const faiss::Index &index, const ner_faiss_device_options &options, bool graphs) {
  const size_t devices = std::max<size_t>(1, options.device_count);
  const faiss::Index *inner = &index;
  if (const auto *rotated = dynamic_cast<const faiss::IndexPreTransform *>(inner)) inner = rotated->index;
  const auto rows = static_cast<size_t>(inner->ntotal);
  const auto dimensions = static_cast<size_t>(inner->d);
  const size_t share = (rows + devices - 1) / devices;

  const size_t flat_bytes = dimensions * (options.float16 ? 2 : 4) + sizeof(float);  // and its length
  if (dynamic_cast<const faiss::IndexFlat *>(inner) != nullptr) return {share * flat_bytes, flat_bytes, false};

  const auto *product = dynamic_cast<const faiss::IndexIVFPQ *>(inner);
  if (product != nullptr) check_product_quantiser(*product);
  if (product != nullptr || dynamic_cast<const faiss::IndexIVFFlat *>(inner) != nullptr ||
      dynamic_cast<const faiss::IndexIVFScalarQuantizer *>(inner) != nullptr) {
    const auto &lists = dynamic_cast<const faiss::IndexIVF &>(*inner);
    return {list_bytes(lists, devices), lists.code_size + sizeof(int64_t), false};
  }

  const auto *scalars = dynamic_cast<const faiss::IndexScalarQuantizer *>(inner);
  const bool halves = scalars != nullptr && scalars->sq.qtype == faiss::ScalarQuantizer::QT_fp16;
  const bool graph = dynamic_cast<const faiss::IndexHNSW *>(inner) != nullptr;
  if ((halves || graph) && devices > 1)
    refuse("expected an index of 'Flat' or 'IVF…' for several GPUs: others are not shared out among them");
  const size_t half_bytes = dimensions * 2 + sizeof(float);
  if (halves) return {rows * half_bytes, half_bytes, false};
  if (graph && !graphs)
    refuse("expected an index of 'Flat' or 'IVF…' for a GPU: it has no HNSW, and this FAISS was built without cuVS, "
           "which would make another graph (CAGRA) from the rows. Build FAISS with FAISS_ENABLE_CUVS, or choose 'IVF…'");
  if (graph && rows == 0) refuse("expected a graph (HNSW) with rows: on a GPU it is made from all of them at once");
  const size_t node_bytes = dimensions * sizeof(float) + graph_bytes;
  if (graph) return {rows * node_bytes, node_bytes, true};

  refuse("expected an index of 'Flat', 'SQfp16', 'IVF…,Flat', 'IVF…,SQ8' (or another SQ) or 'IVF…,PQ32' (no x4fs): FAISS has "
         "no other on a GPU");
}
