#include "pooling.h"

#include "arguments.h"
#include "cuda_device.h"
#include "environment.h"
#include "operations.h"
#include "status.h"

Napi::Value pool_spans(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Napi::Float32Array rows = float32_array(info[0], "rows");
  const size_t dimensions = integer(info[1], "dimensions", 1, 1 << 20);
  const Napi::Int32Array spans = int32_array(info[2], "spans");
  const ner_pooling pooling = pooling_argument(info[3]);

  const size_t tokens = row_count(rows, dimensions, "rows");
  const size_t span_count = row_count(spans, 2, "spans");
  Napi::Float32Array out = Napi::Float32Array::New(env, span_count * pooled_columns(pooling, dimensions));
  const auto device = device_argument(info[4]);
  throw_on_failure(env, device ? device->pool_spans(rows.Data(), tokens, dimensions, spans.Data(), span_count, pooling,
                                                    out.Data())
                               : ner_pool_spans(Environment::of(env).instruction_set, rows.Data(), tokens, dimensions,
                                                spans.Data(), span_count, pooling, out.Data()));
  return out;
}
