#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "arguments.h"
#include "faiss_library.h"
#include "handle.h"
#include "ner_retriever/faiss.h"
#include "operations.h"
#include "promise_worker.h"
#include "status.h"

namespace {

using ner_retriever::FaissParameters;

// Calls that change it (train, add) and those that do not (search, write) never overlap: src/faiss-index.ts sees to it,
// because a thread of the pool that waits for a long training is one that nobody else can use.
struct FaissIndex {
  static constexpr napi_type_tag type_tag = {0x51a6d0c41c2f4be9, 0x8f7e2d93b06a4c15};
  static constexpr const char *type_name = "FaissIndex";

  std::unique_ptr<ner_retriever::FaissIndex> native;
  unsigned threads;
  // As of the last change that has ended: read on the event loop while the next one runs.
  std::atomic<size_t> size{0};
  std::atomic<bool> is_trained{false};

  FaissIndex(std::unique_ptr<ner_retriever::FaissIndex> index, unsigned thread_count)
      : native(std::move(index)), threads(thread_count) {
    changed();
  }

  void changed() {
    size = native->size();
    is_trained = native->is_trained();
  }
};

// FAISS, or an error that callers can tell from others: a machine without it is no fault of theirs.
const ner_faiss_api &faiss(Napi::Env env) {
  const FaissLibrary library = find_faiss();
  if (library.api != nullptr) return *library.api;
  const Napi::Error error = Napi::Error::New(env, "FAISS cannot be used here: " + library.reason);
  error.Set("code", Napi::String::New(env, "BACKEND_UNAVAILABLE"));
  throw error;
}

Napi::Value make_handle(Napi::Env env, std::unique_ptr<ner_retriever::FaissIndex> native, unsigned threads) {
  const size_t bytes = native->bytes();
  return Handle<FaissIndex>::make(env, std::make_shared<FaissIndex>(std::move(native), threads), bytes);
}

std::string text(const Napi::Value &value, const std::string &name) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), "expected " + name + " to be a string");
  return value.As<Napi::String>();
}

// The threads, if they are a number that can be.
unsigned thread_count(const Napi::Value &value) { return static_cast<unsigned>(integer(value, "threads", 1, 1024)); }

class ReadWorker final : public PromiseWorker {
 public:
  ReadWorker(Napi::Env env, const ner_faiss_api &api, std::string file, unsigned threads)
      : PromiseWorker(env), api_(api), file_(std::move(file)), threads_(threads) {}

 private:
  ner_status run() noexcept override { return ner_retriever::FaissIndex::read(api_, file_, &native_); }
  Napi::Value result() override { return make_handle(Env(), std::move(native_), threads_); }

  const ner_faiss_api &api_;
  std::string file_;
  unsigned threads_;
  std::unique_ptr<ner_retriever::FaissIndex> native_;
};

// A copy on GPUs, or back from there.
class CopyWorker final : public PromiseWorker {
 public:
  using Copy = std::function<ner_status(const ner_retriever::FaissIndex &, std::unique_ptr<ner_retriever::FaissIndex> *)>;

  CopyWorker(Napi::Env env, std::shared_ptr<FaissIndex> index, Copy copy)
      : PromiseWorker(env), index_(std::move(index)), copy_(std::move(copy)) {}

 private:
  ner_status run() noexcept override { return copy_(*index_->native, &made_); }
  Napi::Value result() override { return make_handle(Env(), std::move(made_), index_->threads); }

  std::shared_ptr<FaissIndex> index_;
  Copy copy_;
  std::unique_ptr<ner_retriever::FaissIndex> made_;
};

class WriteWorker final : public PromiseWorker {
 public:
  WriteWorker(Napi::Env env, std::shared_ptr<FaissIndex> index, std::string file)
      : PromiseWorker(env), index_(std::move(index)), file_(std::move(file)) {}

 private:
  ner_status run() noexcept override { return index_->native->write(file_); }
  Napi::Value result() override { return Env().Undefined(); }

  std::shared_ptr<FaissIndex> index_;
  std::string file_;
};

// train() or add().
class ChangeWorker final : public PromiseWorker {
 public:
  using Change = ner_status (ner_retriever::FaissIndex::*)(const float *rows, size_t count, unsigned threads) noexcept;

  ChangeWorker(Napi::Value handle, Change change, Napi::Float32Array rows, size_t row_count)
      : PromiseWorker(rows.Env()),
        index_(Handle<FaissIndex>::of(handle).object),
        change_(change),
        rows_(rows.Data()),
        row_count_(row_count),
        rows_reference_(Napi::Persistent(rows)),
        handle_reference_(Napi::Reference<Napi::Value>::New(handle, 1)) {}

 private:
  ner_status run() noexcept override {
    const ner_status status = ((*index_->native).*change_)(rows_, row_count_, index_->threads);
    index_->changed();
    return status;
  }

  Napi::Value result() override {
    Handle<FaissIndex>::of(handle_reference_.Value()).report(Env(), index_->native->bytes());
    return Env().Undefined();
  }

  std::shared_ptr<FaissIndex> index_;
  Change change_;
  const float *rows_;
  size_t row_count_;
  Napi::Reference<Napi::Float32Array> rows_reference_;
  Napi::Reference<Napi::Value> handle_reference_;
};

class SearchWorker final : public PromiseWorker {
 public:
  SearchWorker(std::shared_ptr<FaissIndex> index, Napi::Float32Array queries, size_t query_count, size_t limit,
               const FaissParameters &parameters)
      : PromiseWorker(queries.Env()),
        index_(std::move(index)),
        query_count_(query_count),
        limit_(limit),
        parameters_(parameters),
        queries_(queries.Data()),
        queries_reference_(Napi::Persistent(queries)) {
    Napi::Float32Array scores = Napi::Float32Array::New(queries.Env(), query_count * limit);
    Napi::Uint32Array rows = Napi::Uint32Array::New(queries.Env(), query_count * limit);
    Napi::Uint32Array counts = Napi::Uint32Array::New(queries.Env(), query_count);
    scores_ = scores.Data();
    rows_ = rows.Data();
    counts_ = counts.Data();
    scores_reference_ = Napi::Persistent(scores);
    rows_reference_ = Napi::Persistent(rows);
    counts_reference_ = Napi::Persistent(counts);
  }

 private:
  ner_status run() noexcept override {
    return index_->native->search(queries_, query_count_, limit_, parameters_, index_->threads, scores_, rows_,
                                  counts_);
  }

  Napi::Value result() override {
    Napi::Object found = Napi::Object::New(Env());
    found.Set("limit", Napi::Number::New(Env(), static_cast<double>(limit_)));
    found.Set("scores", scores_reference_.Value());
    found.Set("rows", rows_reference_.Value());
    found.Set("counts", counts_reference_.Value());
    return found;
  }

  std::shared_ptr<FaissIndex> index_;
  size_t query_count_;
  size_t limit_;
  FaissParameters parameters_;
  const float *queries_;
  float *scores_;
  uint32_t *rows_;
  uint32_t *counts_;
  Napi::Reference<Napi::Float32Array> queries_reference_;
  Napi::Reference<Napi::Float32Array> scores_reference_;
  Napi::Reference<Napi::Uint32Array> rows_reference_;
  Napi::Reference<Napi::Uint32Array> counts_reference_;
};

Napi::Value change(const Napi::CallbackInfo &info, ChangeWorker::Change native_change, const char *name) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], name);
  const size_t count = row_count(rows, index->native->dimensions(), name);
  return PromiseWorker::start(new ChangeWorker(info[0], native_change, rows, count));
}

}  // namespace

Napi::Value faiss_create(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string factory = text(info[0], "factory");
  const size_t dimensions = integer(info[1], "dimensions", 1, 1 << 20);
  const unsigned threads = thread_count(info[2]);
  std::unique_ptr<ner_retriever::FaissIndex> native;
  throw_on_failure(env, ner_retriever::FaissIndex::create(faiss(env), factory, dimensions, &native));
  return make_handle(env, std::move(native), threads);
}

Napi::Value faiss_read(const Napi::CallbackInfo &info) {
  const std::string file = text(info[0], "file");
  const unsigned threads = thread_count(info[1]);
  return PromiseWorker::start(new ReadWorker(info.Env(), faiss(info.Env()), file, threads));
}

Napi::Value faiss_write(const Napi::CallbackInfo &info) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  return PromiseWorker::start(new WriteWorker(info.Env(), index, text(info[1], "file")));
}

Napi::Value faiss_info(const Napi::CallbackInfo &info) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  Napi::Object about = Napi::Object::New(info.Env());
  about.Set("dimensions", Napi::Number::New(info.Env(), static_cast<double>(index->native->dimensions())));
  about.Set("size", Napi::Number::New(info.Env(), static_cast<double>(index->size.load())));
  about.Set("isTrained", Napi::Boolean::New(info.Env(), index->is_trained));
  return about;
}

Napi::Value faiss_train(const Napi::CallbackInfo &info) {
  return change(info, &ner_retriever::FaissIndex::train, "sample");
}

Napi::Value faiss_add(const Napi::CallbackInfo &info) { return change(info, &ner_retriever::FaissIndex::add, "rows"); }

Napi::Value faiss_search(const Napi::CallbackInfo &info) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  const Napi::Float32Array queries = float32_array(info[1], "queries");
  const size_t query_count = row_count(queries, index->native->dimensions(), "queries");
  const size_t limit = integer(info[2], "limit", 1, 9007199254740991.0);
  const auto parameter = [&](size_t place, const char *name) {
    return info[place].IsUndefined() ? 0 : integer(info[place], name, 1, 2147483647.0);
  };
  FaissParameters parameters;
  parameters.nprobe = parameter(3, "nprobe");
  parameters.ef_search = parameter(4, "efSearch");
  parameters.refine_factor = parameter(5, "refineFactor");
  const size_t size = index->size;
  return PromiseWorker::start(
      new SearchWorker(index, queries, query_count, limit < size ? limit : size, parameters));
}

Napi::Value faiss_devices(const Napi::CallbackInfo &info) {
  int count = 0;
  const FaissLibrary library = find_faiss();
  const bool known = library.api != nullptr && ner_retriever::faiss_device_count(*library.api, &count) == NER_OK;
  const std::string reason = library.api == nullptr ? library.reason : known ? "" : ner_last_error();
  Napi::Object about = Napi::Object::New(info.Env());
  about.Set("count", Napi::Number::New(info.Env(), count));
  about.Set("reason", reason.empty() ? info.Env().Null() : Napi::String::New(info.Env(), reason).As<Napi::Value>());
  return about;
}

Napi::Value faiss_to_device(const Napi::CallbackInfo &info) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  const Napi::Int32Array devices = int32_array(info[1], "devices");
  ner_retriever::FaissDeviceOptions options;
  options.devices.assign(devices.Data(), devices.Data() + devices.ElementLength());
  options.temporary_memory = integer(info[2], "temporaryMemory", 0, 9007199254740991.0);
  options.float16 = info[3].ToBoolean();
  return PromiseWorker::start(new CopyWorker(
      info.Env(), index, [options](const ner_retriever::FaissIndex &from, std::unique_ptr<ner_retriever::FaissIndex> *copy) {
        return from.to_devices(options, copy);
      }));
}

Napi::Value faiss_to_host(const Napi::CallbackInfo &info) {
  const auto &index = Handle<FaissIndex>::of(info[0]).object;
  return PromiseWorker::start(new CopyWorker(
      info.Env(), index, [](const ner_retriever::FaissIndex &from, std::unique_ptr<ner_retriever::FaissIndex> *copy) {
        return from.to_host(copy);
      }));
}
