#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "arguments.h"
#include "environment.h"
#include "handle.h"
#include "ner_retriever/index.h"
#include "operations.h"
#include "promise_worker.h"
#include "status.h"

namespace {

struct VectorIndex {
  static constexpr napi_type_tag type_tag = {0x2b0e6a8ce91f4c77, 0xb3d15e0a64f84c02};
  static constexpr const char *type_name = "VectorIndex";

  std::unique_ptr<ner_retriever::Index> native;
  unsigned threads;
  // Searches share it, add() has it alone: a search sees every finished add whole and nothing of one under way.
  std::shared_mutex mutex;
  // Rows of finished adds: read on the event loop, which must not wait for the mutex.
  std::atomic<size_t> size{0};

  VectorIndex(std::unique_ptr<ner_retriever::Index> index, unsigned thread_count)
      : native(std::move(index)), threads(thread_count) {}
};

class AddWorker final : public PromiseWorker {
 public:
  AddWorker(Napi::Value handle, Napi::Float32Array rows, size_t row_count)
      : PromiseWorker(rows.Env()),
        index_(Handle<VectorIndex>::of(handle).object),
        row_count_(row_count),
        rows_(rows.Data()),
        rows_reference_(Napi::Persistent(rows)),
        handle_reference_(Napi::Reference<Napi::Value>::New(handle, 1)) {}

 private:
  ner_status run() noexcept override {
    const std::unique_lock<std::shared_mutex> lock(index_->mutex);
    const ner_status status = index_->native->add(rows_, row_count_);
    index_->size = index_->native->size();
    bytes_ = index_->native->bytes();
    return status;
  }

  Napi::Value result() override {
    Handle<VectorIndex>::of(handle_reference_.Value()).report(Env(), bytes_);
    return Env().Undefined();
  }

  std::shared_ptr<VectorIndex> index_;
  size_t row_count_;
  const float *rows_;
  size_t bytes_ = 0;
  Napi::Reference<Napi::Float32Array> rows_reference_;
  Napi::Reference<Napi::Value> handle_reference_;
};

class SearchWorker final : public PromiseWorker {
 public:
  // Rows are only ever added: a limit within today's size is within the size when the search runs.
  SearchWorker(std::shared_ptr<VectorIndex> index, Napi::Float32Array queries, size_t query_count, size_t limit)
      : PromiseWorker(queries.Env()),
        index_(std::move(index)),
        query_count_(query_count),
        limit_(limit),
        queries_(queries.Data()),
        queries_reference_(Napi::Persistent(queries)) {
    Napi::Float32Array scores = Napi::Float32Array::New(queries.Env(), query_count * limit);
    Napi::Uint32Array rows = Napi::Uint32Array::New(queries.Env(), query_count * limit);
    scores_ = scores.Data();
    rows_ = rows.Data();
    scores_reference_ = Napi::Persistent(scores);
    rows_reference_ = Napi::Persistent(rows);
  }

 private:
  ner_status run() noexcept override {
    const std::shared_lock<std::shared_mutex> lock(index_->mutex);
    return index_->native->search(queries_, query_count_, limit_, index_->threads, scores_, rows_);
  }

  Napi::Value result() override {
    Napi::Object found = Napi::Object::New(Env());
    found.Set("scores", scores_reference_.Value());
    found.Set("rows", rows_reference_.Value());
    found.Set("limit", Napi::Number::New(Env(), static_cast<double>(limit_)));
    return found;
  }

  std::shared_ptr<VectorIndex> index_;
  size_t query_count_;
  size_t limit_;
  const float *queries_;
  float *scores_;
  uint32_t *rows_;
  Napi::Reference<Napi::Float32Array> queries_reference_;
  Napi::Reference<Napi::Float32Array> scores_reference_;
  Napi::Reference<Napi::Uint32Array> rows_reference_;
};

}  // namespace

Napi::Value index_create(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const size_t dimensions = integer(info[0], "dimensions", 1, 1 << 20);
  const size_t threads = integer(info[1], "threads", 1, 1024);

  std::unique_ptr<ner_retriever::Index> native =
      ner_retriever::make_exact_index(Environment::of(env).instruction_set, dimensions);
  if (native == nullptr) throw Napi::Error::New(env, ner_last_error());
  const size_t bytes = native->bytes();
  return Handle<VectorIndex>::make(
      env, std::make_shared<VectorIndex>(std::move(native), static_cast<unsigned>(threads)), bytes);
}

Napi::Value index_size(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Handle<VectorIndex>::of(info[0]).object->size.load()));
}

Napi::Value index_add(const Napi::CallbackInfo &info) {
  const auto &index = Handle<VectorIndex>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], "rows");
  return PromiseWorker::start(new AddWorker(info[0], rows, row_count(rows, index->native->dimensions(), "rows")));
}

Napi::Value index_search(const Napi::CallbackInfo &info) {
  const auto &index = Handle<VectorIndex>::of(info[0]).object;
  const Napi::Float32Array queries = float32_array(info[1], "queries");
  const size_t query_count = row_count(queries, index->native->dimensions(), "queries");
  const size_t limit = integer(info[2], "limit", 1, 9007199254740991.0);
  const size_t size = index->size;
  return PromiseWorker::start(new SearchWorker(index, queries, query_count, limit < size ? limit : size));
}
