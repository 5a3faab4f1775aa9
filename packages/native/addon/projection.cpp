#include "ner_retriever/projection.h"

#include <vector>

#include "arguments.h"
#include "cuda_device.h"
#include "environment.h"
#include "handle.h"
#include "operations.h"
#include "pooling.h"
#include "promise_worker.h"
#include "status.h"

namespace {

struct Projection {
  static constexpr napi_type_tag type_tag = {0x7c1d7d3f6d0b4a55, 0x9a4f0f6c7b2e4d01};
  static constexpr const char *type_name = "Projection";

  // One of the two: on the processor, or on a device.
  ner_projection *native = nullptr;
  std::unique_ptr<ner_retriever::CudaProjection> cuda;
  ner_instruction_set instruction_set;
  size_t input;
  size_t output;

  Projection(ner_instruction_set set, size_t input_dimensions, size_t output_dimensions)
      : instruction_set(set), input(input_dimensions), output(output_dimensions) {}
  Projection(const Projection &) = delete;
  Projection &operator=(const Projection &) = delete;
  ~Projection() { ner_projection_destroy(native); }

  ner_status run(const float *rows, size_t row_count, float *out) const noexcept {
    return cuda ? cuda->run(rows, row_count, out) : ner_projection_run(native, rows, row_count, out);
  }

  ner_status run_spans(const float *rows, size_t tokens, const int32_t *spans, size_t span_count, ner_pooling pooling,
                       float *out) const noexcept {
    if (cuda) return cuda->run_spans(rows, tokens, spans, span_count, pooling, out);
    return ner_projection_run_spans(instruction_set, native, rows, tokens, spans, span_count, pooling, out);
  }
};

class ProjectionWorker final : public PromiseWorker {
 public:
  ProjectionWorker(std::shared_ptr<Projection> projection, Napi::Float32Array rows, size_t row_count)
      : PromiseWorker(rows.Env()),
        projection_(std::move(projection)),
        row_count_(row_count),
        rows_(rows.Data()),
        rows_reference_(Napi::Persistent(rows)) {
    Napi::Float32Array out = Napi::Float32Array::New(rows.Env(), row_count * projection_->output);
    out_ = out.Data();
    out_reference_ = Napi::Persistent(out);
  }

 private:
  ner_status run() noexcept override { return projection_->run(rows_, row_count_, out_); }
  Napi::Value result() override { return out_reference_.Value(); }

  std::shared_ptr<Projection> projection_;
  size_t row_count_;
  const float *rows_;
  float *out_;
  Napi::Reference<Napi::Float32Array> rows_reference_;
  Napi::Reference<Napi::Float32Array> out_reference_;
};

// Token rows and spans of them, as run_spans() takes them.
struct SpanArguments {
  Napi::Float32Array rows;
  Napi::Int32Array spans;
  ner_pooling pooling;
  size_t tokens;
  size_t span_count;

  SpanArguments(const Napi::CallbackInfo &info, const Projection &projection)
      : rows(float32_array(info[1], "rows")),
        spans(int32_array(info[2], "spans")),
        pooling(pooling_argument(info[3])),
        tokens(row_count(rows, row_columns(info.Env(), projection.input, pooling), "rows")),
        span_count(row_count(spans, 2, "spans")) {}

 private:
  // Columns of the token rows whose vectors have `input`.
  static size_t row_columns(Napi::Env env, size_t input, ner_pooling pooling) {
    const size_t columns = input / pooled_columns(pooling, 1);
    if (pooled_columns(pooling, columns) == input) return columns;
    throw Napi::RangeError::New(env, "expected a projection of an even number of input dimensions for 'first+last', got " +
                                         std::to_string(input));
  }
};

class SpansWorker final : public PromiseWorker {
 public:
  SpansWorker(std::shared_ptr<Projection> projection, const SpanArguments &given)
      : PromiseWorker(given.rows.Env()),
        projection_(std::move(projection)),
        rows_(given.rows.Data()),
        spans_(given.spans.Data()),
        tokens_(given.tokens),
        span_count_(given.span_count),
        pooling_(given.pooling),
        rows_reference_(Napi::Persistent(given.rows)),
        spans_reference_(Napi::Persistent(given.spans)) {
    Napi::Float32Array out = Napi::Float32Array::New(Env(), span_count_ * projection_->output);
    out_ = out.Data();
    out_reference_ = Napi::Persistent(out);
  }

 private:
  ner_status run() noexcept override {
    return projection_->run_spans(rows_, tokens_, spans_, span_count_, pooling_, out_);
  }
  Napi::Value result() override { return out_reference_.Value(); }

  std::shared_ptr<Projection> projection_;
  const float *rows_;
  const int32_t *spans_;
  size_t tokens_;
  size_t span_count_;
  ner_pooling pooling_;
  float *out_;
  Napi::Reference<Napi::Float32Array> rows_reference_;
  Napi::Reference<Napi::Int32Array> spans_reference_;
  Napi::Reference<Napi::Float32Array> out_reference_;
};

}  // namespace

Napi::Value projection_create(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw Napi::TypeError::New(env, "expected layers to be an array");
  const Napi::Array layers = info[0].As<Napi::Array>();
  const size_t input_dimensions = integer(info[1], "inputDimensions", 1, 1 << 20);

  std::vector<ner_linear_layer> native_layers;
  size_t input = input_dimensions;
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const std::string name = "layers[" + std::to_string(i) + "]";
    if (!layers.Get(i).IsObject()) throw Napi::TypeError::New(env, "expected " + name + " to be { weight, bias }");
    const Napi::Object layer = layers.Get(i).As<Napi::Object>();
    const Napi::Float32Array weight = float32_array(layer.Get("weight"), name + ".weight");
    const Napi::Float32Array bias = float32_array(layer.Get("bias"), name + ".bias");
    const size_t output = bias.ElementLength();
    if (output == 0 || weight.ElementLength() != output * input)
      throw Napi::RangeError::New(env, "expected " + name + ".weight to be [" + std::to_string(output) + ", " +
                                           std::to_string(input) + "] as its bias and its input say, got " +
                                           std::to_string(weight.ElementLength()) + " elements");
    native_layers.push_back({weight.Data(), bias.Data(), output});
    input = output;
  }

  const ner_instruction_set set = Environment::of(env).instruction_set;
  auto projection = std::make_shared<Projection>(set, input_dimensions, input);
  size_t bytes = 0;
  if (const auto device = device_argument(info[2])) {
    throw_on_failure(env, ner_retriever::CudaProjection::create(device, native_layers.data(), native_layers.size(),
                                                                input_dimensions, &projection->cuda));
  } else {
    throw_on_failure(env, ner_projection_create(set, native_layers.data(), native_layers.size(), input_dimensions,
                                                &projection->native));
    bytes = ner_projection_bytes(projection->native);
  }
  return Handle<Projection>::make(env, std::move(projection), bytes);
}

Napi::Value projection_output_dimensions(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Handle<Projection>::of(info[0]).object->output));
}

Napi::Value projection_run(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], "rows");
  return PromiseWorker::start(
      new ProjectionWorker(projection, rows, row_count(rows, projection->input, "rows")));
}

Napi::Value projection_run_sync(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], "rows");
  const size_t count = row_count(rows, projection->input, "rows");
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), count * projection->output);
  throw_on_failure(info.Env(), projection->run(rows.Data(), count, out.Data()));
  return out;
}

Napi::Value projection_run_spans(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  return PromiseWorker::start(new SpansWorker(projection, SpanArguments(info, *projection)));
}

Napi::Value projection_run_spans_sync(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  const SpanArguments given(info, *projection);
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), given.span_count * projection->output);
  throw_on_failure(info.Env(), projection->run_spans(given.rows.Data(), given.tokens, given.spans.Data(),
                                                     given.span_count, given.pooling, out.Data()));
  return out;
}
