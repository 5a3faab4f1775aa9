#include "ner_retriever/pooling.h"

#include "arguments.h"
#include "environment.h"
#include "operations.h"
#include "status.h"

namespace {

ner_pooling pooling_argument(const Napi::Value &value) {
  if (value.IsString()) {
    const std::string name = value.As<Napi::String>();
    if (name == "last") return NER_POOL_LAST;
    if (name == "first") return NER_POOL_FIRST;
    if (name == "mean") return NER_POOL_MEAN;
    if (name == "first+last") return NER_POOL_FIRST_LAST;
  }
  throw Napi::TypeError::New(value.Env(), "expected pooling to be 'last', 'first', 'mean' or 'first+last', got " +
                                              value.ToString().Utf8Value());
}

}  // namespace

Napi::Value pool_spans(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Napi::Float32Array rows = float32_array(info[0], "rows");
  const size_t dimensions = integer(info[1], "dimensions", 1, 1 << 20);
  const Napi::Int32Array spans = int32_array(info[2], "spans");
  const ner_pooling pooling = pooling_argument(info[3]);

  const size_t tokens = row_count(rows, dimensions, "rows");
  const size_t span_count = row_count(spans, 2, "spans");
  const size_t columns = pooling == NER_POOL_FIRST_LAST ? 2 * dimensions : dimensions;
  Napi::Float32Array out = Napi::Float32Array::New(env, span_count * columns);
  throw_on_failure(env, ner_pool_spans(Environment::of(env).instruction_set, rows.Data(), tokens, dimensions,
                                       spans.Data(), span_count, pooling, out.Data()));
  return out;
}
