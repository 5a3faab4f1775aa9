#include <new>

#include "faiss_api.h"
#include "last_error.h"
#include "ner_retriever/faiss.h"

namespace ner_retriever {

namespace {

ner_status handed_on(const ner_faiss_api &api, ner_status status) noexcept {
  return status == NER_OK ? NER_OK : fail(status, api.last_error());
}

}  // namespace

ner_status FaissIndex::create(const ner_faiss_api &api, const std::string &factory, size_t dimensions,
                              std::unique_ptr<FaissIndex> *index) noexcept {
  ner_faiss_index *made = nullptr;
  const ner_status status = api.create(factory.c_str(), dimensions, &made);
  return take(api, status, made, index);
}

ner_status FaissIndex::read(const ner_faiss_api &api, const std::string &file,
                            std::unique_ptr<FaissIndex> *index) noexcept {
  ner_faiss_index *made = nullptr;
  const ner_status status = api.read(file.c_str(), &made);
  return take(api, status, made, index);
}

ner_status FaissIndex::take(const ner_faiss_api &api, ner_status status, ner_faiss_index *made,
                            std::unique_ptr<FaissIndex> *index) noexcept {
  if (status != NER_OK) return handed_on(api, status);
  index->reset(new (std::nothrow) FaissIndex(api, made));
  if (*index == nullptr) {
    api.destroy(made);
    return fail(NER_OUT_OF_MEMORY, "out of memory");
  }
  return (*index)->after(NER_OK);
}

FaissIndex::~FaissIndex() { api_.destroy(index_); }

ner_status FaissIndex::train(const float *rows, size_t count, unsigned threads) noexcept {
  return after(api_.train(index_, rows, count, threads));
}

ner_status FaissIndex::add(const float *rows, size_t count, unsigned threads) noexcept {
  return after(api_.add(index_, rows, count, threads));
}

ner_status FaissIndex::after(ner_status status) noexcept {
  if (status != NER_OK) return handed_on(api_, status);
  ner_faiss_description now;
  const ner_status described = api_.describe(index_, &now);
  if (described != NER_OK) return handed_on(api_, described);
  dimensions_ = now.dimensions;
  size_ = now.size;
  is_trained_ = now.is_trained != 0;
  bytes_ = now.bytes;
  return NER_OK;
}

ner_status FaissIndex::search(const float *queries, size_t query_count, size_t limit,
                              const FaissParameters &parameters, unsigned threads, float *scores, uint32_t *rows,
                              uint32_t *counts) const noexcept {
  const ner_faiss_parameters chosen{parameters.nprobe, parameters.ef_search, parameters.refine_factor};
  return handed_on(api_,
                   api_.search(index_, queries, query_count, limit, &chosen, threads, scores, rows, counts));
}

ner_status FaissIndex::write(const std::string &file) const noexcept {
  return handed_on(api_, api_.write(index_, file.c_str()));
}

ner_status FaissIndex::to_devices(const FaissDeviceOptions &options, std::unique_ptr<FaissIndex> *copy) const noexcept {
  const ner_faiss_device_options chosen{options.devices.data(), options.devices.size(), options.temporary_memory,
                                        options.float16};
  ner_faiss_index *made = nullptr;
  const ner_status status = api_.to_devices(index_, &chosen, &made);
  return take(api_, status, made, copy);
}

ner_status FaissIndex::to_host(std::unique_ptr<FaissIndex> *copy) const noexcept {
  ner_faiss_index *made = nullptr;
  const ner_status status = api_.to_host(index_, &made);
  return take(api_, status, made, copy);
}

ner_status faiss_device_count(const ner_faiss_api &api, int *count) noexcept {
  return handed_on(api, api.device_count(count));
}

}  // namespace ner_retriever
