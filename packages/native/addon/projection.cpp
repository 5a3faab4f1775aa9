#include "ner_retriever/projection.h"

#include <vector>

#include "arguments.h"
#include "environment.h"
#include "handle.h"
#include "operations.h"
#include "promise_worker.h"
#include "status.h"

namespace {

struct Projection {
  static constexpr napi_type_tag type_tag = {0x7c1d7d3f6d0b4a55, 0x9a4f0f6c7b2e4d01};
  static constexpr const char *type_name = "Projection";

  ner_projection *native = nullptr;

  Projection() = default;
  Projection(const Projection &) = delete;
  Projection &operator=(const Projection &) = delete;
  ~Projection() { ner_projection_destroy(native); }

  size_t input() const { return ner_projection_input_dimensions(native); }
  size_t output() const { return ner_projection_output_dimensions(native); }
};

class ProjectionWorker final : public PromiseWorker {
 public:
  ProjectionWorker(std::shared_ptr<Projection> projection, Napi::Float32Array rows, size_t row_count)
      : PromiseWorker(rows.Env()),
        projection_(std::move(projection)),
        row_count_(row_count),
        rows_(rows.Data()),
        rows_reference_(Napi::Persistent(rows)) {
    Napi::Float32Array out = Napi::Float32Array::New(rows.Env(), row_count * projection_->output());
    out_ = out.Data();
    out_reference_ = Napi::Persistent(out);
  }

 private:
  ner_status run() noexcept override { return ner_projection_run(projection_->native, rows_, row_count_, out_); }
  Napi::Value result() override { return out_reference_.Value(); }

  std::shared_ptr<Projection> projection_;
  size_t row_count_;
  const float *rows_;
  float *out_;
  Napi::Reference<Napi::Float32Array> rows_reference_;
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

  auto projection = std::make_shared<Projection>();
  throw_on_failure(env, ner_projection_create(Environment::of(env).instruction_set, native_layers.data(),
                                              native_layers.size(), input_dimensions, &projection->native));
  const size_t bytes = ner_projection_bytes(projection->native);
  return Handle<Projection>::make(env, std::move(projection), bytes);
}

Napi::Value projection_output_dimensions(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Handle<Projection>::of(info[0]).object->output()));
}

Napi::Value projection_run(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], "rows");
  return PromiseWorker::start(
      new ProjectionWorker(projection, rows, row_count(rows, projection->input(), "rows")));
}

Napi::Value projection_run_sync(const Napi::CallbackInfo &info) {
  const auto &projection = Handle<Projection>::of(info[0]).object;
  const Napi::Float32Array rows = float32_array(info[1], "rows");
  const size_t count = row_count(rows, projection->input(), "rows");
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), count * projection->output());
  throw_on_failure(info.Env(), ner_projection_run(projection->native, rows.Data(), count, out.Data()));
  return out;
}
