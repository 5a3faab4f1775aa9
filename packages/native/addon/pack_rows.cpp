#include "ner_retriever/pack_rows.h"

#include <vector>

#include "arguments.h"
#include "operations.h"
#include "precision.h"
#include "promise_worker.h"

namespace {

Napi::Uint8Array bytes_of(const Napi::TypedArray &values, size_t bytes) {
  return Napi::Uint8Array::New(values.Env(), bytes, values.ArrayBuffer(), values.ByteOffset());
}

class PackWorker final : public PromiseWorker {
 public:
  PackWorker(ner_precision kept, size_t dimensions, Napi::Float32Array vectors, Napi::Uint32Array documents)
      : PromiseWorker(vectors.Env()),
        precision_(kept),
        dimensions_(dimensions),
        row_count_(documents.ElementLength()),
        vectors_(vectors.Data()),
        documents_(documents.Data()),
        vectors_reference_(Napi::Persistent(vectors)),
        documents_reference_(Napi::Persistent(documents)) {
    ner_column table[NER_MOST_COLUMNS];
    const size_t count = ner_segment_columns(kept, dimensions, table);
    for (size_t place = 0; place < count; ++place) {
      const size_t bytes = row_count_ * table[place].row_bytes;
      // What comes in as it is kept is not copied.
      Napi::Uint8Array column = place == NER_COLUMN_ROWS && kept != NER_BFLOAT16 ? bytes_of(vectors, bytes)
                                : place == NER_COLUMN_DOCUMENTS                  ? bytes_of(documents, bytes)
                                                                                 : Napi::Uint8Array::New(Env(), bytes);
      columns_.push_back(column.Data());
      column_references_.push_back(Napi::Persistent(column));
    }
    checksums_.resize(count);
  }

 private:
  ner_status run() noexcept override {
    return ner_pack_rows(precision_, dimensions_, vectors_, documents_, row_count_, columns_.data(), checksums_.data(),
                         &longest_);
  }

  Napi::Value result() override {
    Napi::Array columns = Napi::Array::New(Env(), columns_.size());
    Napi::Array checksums = Napi::Array::New(Env(), columns_.size());
    for (uint32_t place = 0; place < columns_.size(); ++place) {
      columns.Set(place, column_references_[place].Value());
      checksums.Set(place, checksums_[place]);
    }
    Napi::Object packed = Napi::Object::New(Env());
    packed.Set("columns", columns);
    packed.Set("checksums", checksums);
    packed.Set("longest", longest_);
    return packed;
  }

  ner_precision precision_;
  size_t dimensions_;
  size_t row_count_;
  const float *vectors_;
  const uint32_t *documents_;
  std::vector<void *> columns_;
  std::vector<uint32_t> checksums_;
  float longest_ = 0;
  Napi::Reference<Napi::Float32Array> vectors_reference_;
  Napi::Reference<Napi::Uint32Array> documents_reference_;
  std::vector<Napi::Reference<Napi::Uint8Array>> column_references_;
};

}  // namespace

Napi::Value pack_rows(const Napi::CallbackInfo &info) {
  const ner_precision kept = precision(info[0]);
  const size_t dimensions = dimensions_of(info[1], kept);
  const Napi::Float32Array vectors = float32_array(info[2], "vectors");
  const Napi::Uint32Array documents = uint32_array(info[3], "documents");
  const size_t rows = row_count(vectors, dimensions, "vectors");
  if (documents.ElementLength() != rows)
    throw Napi::RangeError::New(info.Env(), "expected a document for each of " + std::to_string(rows) + " rows, got " +
                                                std::to_string(documents.ElementLength()));
  return PromiseWorker::start(new PackWorker(kept, dimensions, vectors, documents));
}
