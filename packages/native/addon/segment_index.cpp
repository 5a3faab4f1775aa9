#include "ner_retriever/segment_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "arguments.h"
#include "cuda_device.h"
#include "environment.h"
#include "handle.h"
#include "operations.h"
#include "precision.h"
#include "promise_worker.h"

namespace {

using ner_retriever::FileFault;
using ner_retriever::SegmentBlock;
using ner_retriever::SegmentRows;

struct SegmentIndex {
  static constexpr napi_type_tag type_tag = {0x91d7c4f02a5b4e63, 0xa7f80b1d6c924e35};
  static constexpr const char *type_name = "SegmentIndex";

  ner_retriever::SegmentIndex native;
  size_t dimensions;
  unsigned threads;
  bool has_device;

  // Without a device (null) it is searched on the processor.
  SegmentIndex(ner_instruction_set set, ner_precision kept, size_t dimension_count, unsigned thread_count,
               const std::shared_ptr<ner_retriever::CudaDevice> &device)
      : native(set, kept, dimension_count, device ? &device->api() : nullptr,
               device ? std::shared_ptr<ner_cuda_device>(device, device->native()) : nullptr),
        dimensions(dimension_count),
        threads(thread_count),
        has_device(device != nullptr) {}
};

// What a file's fault says, for callers that act on it.
void describe_fault(const FileFault &fault, Napi::Object error) {
  if (fault.file.empty()) return;
  if (fault.system_error != 0) {
    error.Set("errno", -fault.system_error);
    error.Set("path", fault.file);
  } else {
    error.Set("code", "SEGMENT_DAMAGED");
    error.Set("file", fault.file);
    error.Set("reason", fault.reason);
  }
}

// The rows as they are now: a call that comes later sees more, one that is under way does not.
std::shared_ptr<const SegmentRows> rows_of(Napi::Env env, const SegmentIndex &index) {
  std::shared_ptr<const SegmentRows> rows = index.native.rows();
  if (rows != nullptr) return rows;
  const Napi::Error closed = Napi::Error::New(env, "the index was closed");
  closed.Set("code", Napi::String::New(env, "CLOSED"));
  throw closed;
}

class MapWorker final : public PromiseWorker {
 public:
  MapWorker(Napi::Env env, std::shared_ptr<SegmentIndex> index, std::vector<std::string> files,
            std::vector<SegmentBlock> blocks)
      : PromiseWorker(env), index_(std::move(index)), files_(std::move(files)), blocks_(std::move(blocks)) {}

 private:
  ner_status run() noexcept override { return index_->native.map(files_, blocks_, index_->threads, &fault_); }
  Napi::Value result() override { return Env().Undefined(); }
  void describe(Napi::Object error) override { describe_fault(fault_, error); }

  std::shared_ptr<SegmentIndex> index_;
  std::vector<std::string> files_;
  std::vector<SegmentBlock> blocks_;
  FileFault fault_;
};

// Unmapping takes its time.
class CloseWorker final : public PromiseWorker {
 public:
  CloseWorker(Napi::Env env, std::shared_ptr<SegmentIndex> index) : PromiseWorker(env), index_(std::move(index)) {}

 private:
  ner_status run() noexcept override {
    index_->native.close();
    return NER_OK;
  }
  Napi::Value result() override { return Env().Undefined(); }

  std::shared_ptr<SegmentIndex> index_;
};

// Work on the rows as they were at the call. They are let go on the pool's thread: the last to go unmaps.
class RowsWorker : public PromiseWorker {
 public:
  RowsWorker(Napi::Env env, const SegmentIndex &index)
      : PromiseWorker(env), threads_(index.threads), has_device_(index.has_device), rows_(rows_of(env, index)) {}

 protected:
  virtual ner_status read(const SegmentRows &rows, FileFault *fault) noexcept = 0;

  // Keeps an array, where there is one, from being collected before the work is done.
  void keep(const Napi::Value &array) {
    if (array.IsObject()) references_.push_back(Napi::Persistent(array.As<Napi::Object>()));
  }
  const SegmentRows &rows() const { return *rows_; }

  const unsigned threads_;

 private:
  ner_status run() noexcept final {
    outcome_ = read(*rows_, &fault_);
    rows_.reset();
    return outcome_;
  }

  void describe(Napi::Object error) final {
    describe_fault(fault_, error);
    // Of files that are well, only a GPU fails in another way than by its memory.
    if (has_device_ && outcome_ == NER_FAILED && fault_.file.empty()) error.Set("code", "DEVICE_FAILED");
  }

  const bool has_device_;
  ner_status outcome_ = NER_OK;
  std::shared_ptr<const SegmentRows> rows_;
  FileFault fault_;
  std::vector<Napi::ObjectReference> references_;
};

// The bitmap of the documents that may be found; undefined or null is all of them.
ner_selection selection_of(const Napi::Value &documents, uint32_t first_row) {
  if (documents.IsUndefined() || documents.IsNull()) return {nullptr, 0, first_row};
  const Napi::Uint8Array bitmap = uint8_array(documents, "documents");
  // An empty array has no memory, and allows no document.
  static const uint8_t none = 0;
  return {bitmap.ElementLength() == 0 ? &none : bitmap.Data(), bitmap.ElementLength(), first_row};
}

class SearchWorker final : public RowsWorker {
 public:
  SearchWorker(const SegmentIndex &index, Napi::Float32Array queries, size_t limit, const Napi::Value &documents,
               uint32_t first_row)
      : RowsWorker(queries.Env(), index),
        selection_(selection_of(documents, first_row)),
        queries_(queries.Data()),
        query_count_(row_count(queries, index.dimensions, "queries")),
        limit_(std::min(limit, rows().document_count())) {
    Napi::Float32Array scores = Napi::Float32Array::New(Env(), query_count_ * limit_);
    Napi::Uint32Array found = Napi::Uint32Array::New(Env(), query_count_ * limit_);
    Napi::Uint32Array counts = Napi::Uint32Array::New(Env(), query_count_);
    scores_ = scores.Data();
    found_ = found.Data();
    counts_ = counts.Data();
    native_counts_.resize(query_count_);
    keep(queries);
    keep(documents);
    scores_reference_ = Napi::Persistent(scores);
    found_reference_ = Napi::Persistent(found);
    counts_reference_ = Napi::Persistent(counts);
  }

 private:
  ner_status read(const SegmentRows &rows, FileFault *fault) noexcept override {
    const ner_status status = rows.search(&selection_, queries_, query_count_, limit_, threads_, scores_, found_,
                                          native_counts_.data(), fault);
    std::copy(native_counts_.begin(), native_counts_.end(), counts_);
    return status;
  }

  Napi::Value result() override {
    Napi::Object found = Napi::Object::New(Env());
    found.Set("limit", static_cast<double>(limit_));
    found.Set("scores", scores_reference_.Value());
    found.Set("rows", found_reference_.Value());
    found.Set("counts", counts_reference_.Value());
    return found;
  }

  ner_selection selection_;
  const float *queries_;
  size_t query_count_;
  size_t limit_;
  float *scores_;
  uint32_t *found_;
  uint32_t *counts_;
  std::vector<size_t> native_counts_;
  Napi::Reference<Napi::Float32Array> scores_reference_;
  Napi::Reference<Napi::Uint32Array> found_reference_;
  Napi::Reference<Napi::Uint32Array> counts_reference_;
};

// Memory that becomes an array of JavaScript as it is: a whole ranking is not copied on the event loop.
template <class Array, class Element>
Array typed_array_over(Napi::Env env, std::unique_ptr<Element[]> elements, size_t count) {
  if (count == 0) return Array::New(env, 0);
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, elements.get(), count * sizeof(Element), [](Napi::Env, void *data) {
    delete[] static_cast<Element *>(data);
  });
  elements.release();
  return Array::New(env, count, buffer, 0);
}

class RankWorker final : public RowsWorker {
 public:
  RankWorker(const SegmentIndex &index, Napi::Float32Array query, const Napi::Value &documents, float minimum_score)
      : RowsWorker(query.Env(), index),
        selection_(selection_of(documents, 0)),
        query_(query.Data()),
        minimum_score_(minimum_score) {
    keep(query);
    keep(documents);
  }

 private:
  ner_status read(const SegmentRows &rows, FileFault *fault) noexcept override {
    return rows.rank(&selection_, query_, minimum_score_, threads_, &ranking_, fault);
  }

  Napi::Value result() override {
    Napi::Object found = Napi::Object::New(Env());
    found.Set("scores", typed_array_over<Napi::Float32Array>(Env(), std::move(ranking_.scores), ranking_.count));
    found.Set("rows", typed_array_over<Napi::Uint32Array>(Env(), std::move(ranking_.rows), ranking_.count));
    return found;
  }

  ner_selection selection_;
  const float *query_;
  float minimum_score_;
  ner_retriever::Ranking ranking_;
};

class ScoresWorker final : public RowsWorker {
 public:
  ScoresWorker(const SegmentIndex &index, Napi::Float32Array queries, Napi::Uint32Array chosen)
      : RowsWorker(queries.Env(), index),
        queries_(queries.Data()),
        query_count_(row_count(queries, index.dimensions, "queries")),
        chosen_(chosen.Data()),
        chosen_count_(chosen.ElementLength()) {
    Napi::Float32Array scores = Napi::Float32Array::New(Env(), query_count_ * chosen_count_);
    scores_ = scores.Data();
    scores_reference_ = Napi::Persistent(scores);
    keep(queries);
    keep(chosen);
  }

 private:
  ner_status read(const SegmentRows &rows, FileFault *fault) noexcept override {
    return rows.scores(queries_, query_count_, chosen_, chosen_count_, scores_, fault);
  }
  Napi::Value result() override { return scores_reference_.Value(); }

  const float *queries_;
  size_t query_count_;
  const uint32_t *chosen_;
  size_t chosen_count_;
  float *scores_;
  Napi::Reference<Napi::Float32Array> scores_reference_;
};

class VectorsWorker final : public RowsWorker {
 public:
  VectorsWorker(Napi::Env env, const SegmentIndex &index, size_t first_row, size_t count)
      : RowsWorker(env, index), first_row_(first_row), count_(count) {
    if (first_row > rows().count() || count > rows().count() - first_row)
      throw Napi::RangeError::New(env, "expected rows below " + std::to_string(rows().count()) + ", got " +
                                           std::to_string(count) + " from " + std::to_string(first_row) + " on");
    Napi::Float32Array vectors = Napi::Float32Array::New(env, count * index.dimensions);
    vectors_ = vectors.Data();
    vectors_reference_ = Napi::Persistent(vectors);
  }

 private:
  ner_status read(const SegmentRows &rows, FileFault *fault) noexcept override {
    return rows.vectors(first_row_, count_, vectors_, fault);
  }
  Napi::Value result() override { return vectors_reference_.Value(); }

  size_t first_row_;
  size_t count_;
  float *vectors_;
  Napi::Reference<Napi::Float32Array> vectors_reference_;
};

Napi::Array array_of(const Napi::Value &value, const std::string &name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "expected " + name + " to be an array");
  return value.As<Napi::Array>();
}

std::vector<std::string> files_of(const Napi::Value &value) {
  const Napi::Array array = array_of(value, "files");
  std::vector<std::string> files;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value file = array[i];
    if (!file.IsString()) throw Napi::TypeError::New(value.Env(), "expected files to be paths");
    files.push_back(file.As<Napi::String>().Utf8Value());
    if (files.back().find('\0') != std::string::npos)
      throw Napi::TypeError::New(value.Env(), "expected files to be paths, got one with a null character");
  }
  return files;
}

std::vector<SegmentBlock> blocks_of(const Napi::Value &value) {
  const Napi::Array array = array_of(value, "blocks");
  std::vector<SegmentBlock> blocks;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value given = array[i];
    if (!given.IsObject()) throw Napi::TypeError::New(value.Env(), "expected blocks to be objects");
    const Napi::Object object = given.As<Napi::Object>();
    const Napi::Value longest = object.Get("longest");
    if (!longest.IsNumber()) throw Napi::TypeError::New(value.Env(), "expected longest to be a number");
    SegmentBlock block = {integer(object.Get("rows"), "rows", 1, 4294967295.0), {}, longest.ToNumber().FloatValue()};
    const Napi::Array checksums = array_of(object.Get("checksums"), "checksums");
    for (uint32_t column = 0; column < checksums.Length(); ++column)
      block.checksums.push_back(static_cast<uint32_t>(integer(checksums[column], "checksums", 0, 4294967295.0)));
    blocks.push_back(std::move(block));
  }
  return blocks;
}

// The least float that is not below it: a score that is compared in float32 is let in where it would be in float64.
float minimum_score_of(const Napi::Value &value) {
  if (value.IsUndefined() || value.IsNull()) return -std::numeric_limits<float>::infinity();
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), "expected minScore to be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::isnan(number)) throw Napi::RangeError::New(value.Env(), "expected minScore to be a number, got NaN");
  const float nearest = static_cast<float>(number);
  if (static_cast<double>(nearest) >= number) return nearest;
  return std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

const std::shared_ptr<SegmentIndex> &index_of(const Napi::CallbackInfo &info) {
  return Handle<SegmentIndex>::of(info[0]).object;
}

}  // namespace

Napi::Value segment_index_create(const Napi::CallbackInfo &info) {
  const ner_precision kept = precision(info[1]);
  const size_t dimensions = dimensions_of(info[0], kept);
  const size_t threads = integer(info[2], "threads", 1, 1024);
  // What is mapped is not V8's concern: the system takes it back when it wants memory.
  return Handle<SegmentIndex>::make(
      info.Env(),
      std::make_shared<SegmentIndex>(Environment::of(info.Env()).instruction_set, kept, dimensions,
                                     static_cast<unsigned>(threads), device_argument(info[3])),
      0);
}

Napi::Value segment_index_map(const Napi::CallbackInfo &info) {
  const auto &index = index_of(info);
  rows_of(info.Env(), *index);
  return PromiseWorker::start(new MapWorker(info.Env(), index, files_of(info[1]), blocks_of(info[2])));
}

Napi::Value segment_index_device_fault(const Napi::CallbackInfo &info) {
  const std::string fault = index_of(info)->native.device_fault();
  return fault.empty() ? info.Env().Null() : Napi::String::New(info.Env(), fault).As<Napi::Value>();
}

Napi::Value segment_index_rows(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(rows_of(info.Env(), *index_of(info))->count()));
}

Napi::Value segment_index_bytes(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(rows_of(info.Env(), *index_of(info))->bytes()));
}

Napi::Value segment_index_search(const Napi::CallbackInfo &info) {
  const auto &index = index_of(info);
  const Napi::Float32Array queries = float32_array(info[1], "queries");
  const size_t limit = integer(info[2], "limit", 1, 9007199254740991.0);
  const size_t first_row = integer(info[4], "firstRow", 0, 4294967295.0);
  return PromiseWorker::start(
      new SearchWorker(*index, queries, limit, info[3], static_cast<uint32_t>(first_row)));
}

Napi::Value segment_index_rank(const Napi::CallbackInfo &info) {
  const auto &index = index_of(info);
  const Napi::Float32Array query = float32_array(info[1], "query");
  if (query.ElementLength() != index->dimensions)
    throw Napi::RangeError::New(info.Env(), "expected a query of " + std::to_string(index->dimensions) +
                                                " dimensions, got " + std::to_string(query.ElementLength()));
  return PromiseWorker::start(new RankWorker(*index, query, info[2], minimum_score_of(info[3])));
}

Napi::Value segment_index_locate(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<const SegmentRows> rows = rows_of(env, *index_of(info));
  const Napi::Uint32Array chosen = uint32_array(info[1], "rows");
  const size_t count = chosen.ElementLength();
  Napi::Uint32Array documents = Napi::Uint32Array::New(env, count);
  Napi::Uint32Array first_rows = Napi::Uint32Array::New(env, count);
  Napi::Uint32Array counts = Napi::Uint32Array::New(env, count);
  FileFault fault;
  const ner_status status =
      rows->locate(chosen.Data(), count, documents.Data(), first_rows.Data(), counts.Data(), &fault);
  if (status == NER_INVALID_ARGUMENT) throw Napi::RangeError::New(env, ner_last_error());
  if (status != NER_OK) {
    const Napi::Error error = Napi::Error::New(env, ner_last_error());
    describe_fault(fault, error.Value().As<Napi::Object>());
    throw error;
  }
  Napi::Object located = Napi::Object::New(env);
  located.Set("documents", documents);
  located.Set("firstRows", first_rows);
  located.Set("counts", counts);
  return located;
}

Napi::Value segment_index_scores(const Napi::CallbackInfo &info) {
  const auto &index = index_of(info);
  return PromiseWorker::start(
      new ScoresWorker(*index, float32_array(info[1], "queries"), uint32_array(info[2], "rows")));
}

Napi::Value segment_index_vectors(const Napi::CallbackInfo &info) {
  const auto &index = index_of(info);
  const size_t first_row = integer(info[1], "firstRow", 0, 4294967295.0);
  const size_t count = integer(info[2], "count", 0, 4294967295.0);
  return PromiseWorker::start(new VectorsWorker(info.Env(), *index, first_row, count));
}

Napi::Value segment_index_close(const Napi::CallbackInfo &info) {
  return PromiseWorker::start(new CloseWorker(info.Env(), index_of(info)));
}
