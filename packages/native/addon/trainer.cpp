#include <memory>
#include <mutex>
#include <vector>

#include "arguments.h"
#include "cuda_device.h"
#include "environment.h"
#include "handle.h"
#include "ner_retriever/training.h"
#include "operations.h"
#include "promise_worker.h"
#include "status.h"

namespace {

struct Trainer {
  static constexpr napi_type_tag type_tag = {0x5f0c93b7d21e4a86, 0x8c64e1f9a05b4d13};
  static constexpr const char *type_name = "HeadTrainer";

  // One of the two: on the processor, or on a device.
  ner_trainer *native = nullptr;
  std::unique_ptr<ner_retriever::CudaTrainer> cuda;
  size_t input = 0;
  size_t parameter_count = 0;
  unsigned threads = 1;
  // A step has the trainer alone; whoever comes meanwhile waits on a thread of the pool.
  std::mutex mutex;

  Trainer() = default;
  Trainer(const Trainer &) = delete;
  Trainer &operator=(const Trainer &) = delete;
  ~Trainer() { ner_trainer_destroy(native); }
};

// A batch whose arrays stay where they are while a worker reads them.
class Batch {
 public:
  Batch(const Napi::Value &value, const Trainer &trainer) {
    const Napi::Env env = value.Env();
    if (!value.IsObject()) throw Napi::TypeError::New(env, "expected batch to be an object");
    const Napi::Object batch = value.As<Napi::Object>();
    const Napi::Float32Array table = float32_array(batch.Get("table"), "table");
    const Napi::Int32Array rows = int32_array(batch.Get("rows"), "rows");
    const Napi::Int32Array anchors = int32_array(batch.Get("anchors"), "anchors");
    const Napi::Int32Array positives = int32_array(batch.Get("positives"), "positives");
    const Napi::Int32Array negatives = int32_array(batch.Get("negatives"), "negatives");
    const size_t examples = anchors.ElementLength();
    if (positives.ElementLength() != examples)
      throw Napi::RangeError::New(env, "expected as many positives as anchors, " + std::to_string(examples) + ", got " +
                                           std::to_string(positives.ElementLength()));
    // [examples, negatives of one]: as many for each.
    if (examples == 0) throw Napi::RangeError::New(env, "expected at least 1 anchor, got 0");
    if (negatives.ElementLength() % examples != 0)
      throw Napi::RangeError::New(env, "expected as many negatives for each of " + std::to_string(examples) +
                                           " anchors, got " + std::to_string(negatives.ElementLength()));
    native_ = {table.Data(),   row_count(table, trainer.input, "table"),
               rows.Data(),    rows.ElementLength(),
               anchors.Data(), positives.Data(),
               examples,       negatives.Data(),
               negatives.ElementLength() / examples, nullptr};
    for (const Napi::Value &array : {Napi::Value(table), Napi::Value(rows), Napi::Value(anchors), Napi::Value(positives),
                                     Napi::Value(negatives)})
      keep(array);

    const Napi::Value given = batch.Get("contrast");
    if (given.IsNull() || given.IsUndefined()) return;
    const Napi::Uint8Array contrast = uint8_array(given, "contrast");
    if (contrast.ElementLength() != examples * examples)
      throw Napi::RangeError::New(env, "expected contrast to be [" + std::to_string(examples) + ", " +
                                           std::to_string(examples) + "], got " +
                                           std::to_string(contrast.ElementLength()) + " elements");
    native_.contrast = contrast.Data();
    keep(contrast);
  }

  const ner_training_batch &native() const { return native_; }

 private:
  void keep(const Napi::Value &array) { references_.push_back(Napi::Persistent(array.As<Napi::Object>())); }

  ner_training_batch native_ = {};
  std::vector<Napi::ObjectReference> references_;
};

Napi::Object object_of(const Napi::Value &value, const std::string &name) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "expected " + name + " to be an object");
  return value.As<Napi::Object>();
}

float number(const Napi::Object &object, const char *name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) throw Napi::TypeError::New(object.Env(), std::string("expected ") + name + " to be a number");
  return value.As<Napi::Number>().FloatValue();
}

ner_loss_options loss_options(const Napi::Value &value) {
  const Napi::Object loss = object_of(value, "loss");
  const Napi::Value name = loss.Get("loss");
  if (!name.IsString()) throw Napi::TypeError::New(value.Env(), "expected loss to be 'triplet' or 'info-nce'");
  const std::string text = name.As<Napi::String>().Utf8Value();
  if (text == "triplet") return {NER_LOSS_TRIPLET, number(loss, "margin"), 0};
  if (text == "info-nce") return {NER_LOSS_INFO_NCE, 0, number(loss, "temperature")};
  throw Napi::RangeError::New(value.Env(), "expected loss to be 'triplet' or 'info-nce', got '" + text + "'");
}

class GradientsWorker final : public PromiseWorker {
 public:
  GradientsWorker(Napi::Env env, std::shared_ptr<Trainer> trainer, Batch batch, const ner_loss_options &loss)
      : PromiseWorker(env), trainer_(std::move(trainer)), batch_(std::move(batch)), loss_(loss) {
    Napi::Float32Array out = Napi::Float32Array::New(env, trainer_->parameter_count);
    out_ = out.Data();
    out_reference_ = Napi::Persistent(out);
  }

 private:
  ner_status run() noexcept override {
    const std::lock_guard<std::mutex> lock(trainer_->mutex);
    if (trainer_->cuda) return trainer_->cuda->gradients(&batch_.native(), &loss_, &loss_value_, out_);
    return ner_trainer_gradients(trainer_->native, &batch_.native(), &loss_, trainer_->threads, &loss_value_, out_);
  }

  Napi::Value result() override {
    Napi::Object result = Napi::Object::New(Env());
    result.Set("loss", loss_value_);
    result.Set("gradients", out_reference_.Value());
    return result;
  }

  std::shared_ptr<Trainer> trainer_;
  Batch batch_;
  ner_loss_options loss_;
  double loss_value_ = 0;
  float *out_;
  Napi::Reference<Napi::Float32Array> out_reference_;
};

class StepWorker final : public PromiseWorker {
 public:
  StepWorker(Napi::Env env, std::shared_ptr<Trainer> trainer, Batch batch, const ner_loss_options &loss,
             const ner_update_options &update)
      : PromiseWorker(env), trainer_(std::move(trainer)), batch_(std::move(batch)), loss_(loss), update_(update) {}

 private:
  ner_status run() noexcept override {
    const std::lock_guard<std::mutex> lock(trainer_->mutex);
    if (trainer_->cuda)
      return trainer_->cuda->step(&batch_.native(), &loss_, &update_, &loss_value_, &gradient_norm_);
    return ner_trainer_step(trainer_->native, &batch_.native(), &loss_, &update_, trainer_->threads, &loss_value_,
                            &gradient_norm_);
  }

  Napi::Value result() override {
    Napi::Object result = Napi::Object::New(Env());
    result.Set("loss", loss_value_);
    result.Set("gradientNorm", gradient_norm_);
    return result;
  }

  std::shared_ptr<Trainer> trainer_;
  Batch batch_;
  ner_loss_options loss_;
  ner_update_options update_;
  double loss_value_ = 0, gradient_norm_ = 0;
};

class StateWorker final : public PromiseWorker {
 public:
  StateWorker(Napi::Env env, std::shared_ptr<Trainer> trainer) : PromiseWorker(env), trainer_(std::move(trainer)) {
    for (size_t i = 0; i < 3; ++i) {
      Napi::Float32Array array = Napi::Float32Array::New(env, trainer_->parameter_count);
      data_[i] = array.Data();
      references_[i] = Napi::Persistent(array);
    }
  }

 private:
  ner_status run() noexcept override {
    const std::lock_guard<std::mutex> lock(trainer_->mutex);
    if (trainer_->cuda) return trainer_->cuda->state(data_[0], data_[1], data_[2], &steps_);
    return ner_trainer_state(trainer_->native, data_[0], data_[1], data_[2], &steps_);
  }

  Napi::Value result() override {
    Napi::Object state = Napi::Object::New(Env());
    state.Set("parameters", references_[0].Value());
    state.Set("firstMoments", references_[1].Value());
    state.Set("secondMoments", references_[2].Value());
    state.Set("steps", static_cast<double>(steps_));
    return state;
  }

  std::shared_ptr<Trainer> trainer_;
  float *data_[3];
  uint64_t steps_ = 0;
  Napi::Reference<Napi::Float32Array> references_[3];
};

// The products go through OpenBLAS where it is there and keeps up with our own kernels, if they may.
const ner_blas *blas_for(const Napi::Value &matmul, ner_instruction_set set) {
  const std::string text = matmul.IsString() ? matmul.As<Napi::String>().Utf8Value() : "";
  if (text == "own") return nullptr;
  const ner_blas *blas = text == "auto" || text == "openblas" ? ner_blas_open(nullptr) : nullptr;
  if (text == "auto") return blas != nullptr && ner_blas_keeps_up(blas, set) != 0 ? blas : nullptr;
  if (text != "openblas")
    throw Napi::TypeError::New(matmul.Env(), "expected matmul to be 'auto', 'openblas' or 'own'");
  if (blas != nullptr) return blas;
  const Napi::Error error = Napi::Error::New(matmul.Env(), ner_last_error());
  error.Set("code", Napi::String::New(matmul.Env(), "BACKEND_UNAVAILABLE"));
  throw error;
}

}  // namespace

Napi::Value trainer_create(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Napi::Object given = object_of(info[0], "options");
  constexpr double most = 1 << 20;
  const ner_trainer_options options = {
      integer(given.Get("inputDimensions"), "inputDimensions", 1, most),
      integer(given.Get("hiddenDimensions"), "hiddenDimensions", 1, most),
      integer(given.Get("outputDimensions"), "outputDimensions", 1, most),
      given.Get("gate").ToBoolean() ? 1 : 0,
      number(given, "dropout"),
      integer(given.Get("seed"), "seed", 0, 9007199254740991.0),
  };
  const size_t threads = integer(given.Get("threads"), "threads", 1, 1024);
  const auto device = device_argument(given.Get("device"));
  const ner_blas *blas = device ? nullptr : blas_for(given.Get("matmul"), Environment::of(env).instruction_set);

  const Napi::Object state = object_of(info[1], "state");
  const size_t count = ner_trainer_parameter_count(&options);
  const auto values = [&](const char *name, bool required) -> const float * {
    const Napi::Value value = state.Get(name);
    if (!required && (value.IsUndefined() || value.IsNull())) return nullptr;
    const Napi::Float32Array array = float32_array(value, name);
    if (array.ElementLength() != count)
      throw Napi::RangeError::New(env, std::string("expected ") + name + " to be the " + std::to_string(count) +
                                           " of these dimensions, got " + std::to_string(array.ElementLength()));
    return array.Data();
  };
  const float *parameters = values("parameters", true);
  const float *first_moments = values("firstMoments", false);
  const float *second_moments = values("secondMoments", false);
  const Napi::Value steps = state.Get("steps");
  const uint64_t steps_before = steps.IsUndefined() ? 0 : integer(steps, "steps", 0, 9007199254740991.0);

  auto trainer = std::make_shared<Trainer>();
  trainer->input = options.input;
  trainer->parameter_count = count;
  trainer->threads = static_cast<unsigned>(threads);
  if (device) {
    throw_on_failure(env, ner_retriever::CudaTrainer::create(device, &options, parameters, first_moments,
                                                             second_moments, steps_before, &trainer->cuda));
    return Handle<Trainer>::make(env, std::move(trainer), 0);
  }
  throw_on_failure(env, ner_trainer_create(Environment::of(env).instruction_set, blas, &options, parameters,
                                           first_moments, second_moments, steps_before, &trainer->native));
  const size_t bytes = ner_trainer_bytes(trainer->native);
  return Handle<Trainer>::make(env, std::move(trainer), bytes);
}

Napi::Value trainer_gradients(const Napi::CallbackInfo &info) {
  const auto &trainer = Handle<Trainer>::of(info[0]).object;
  return PromiseWorker::start(
      new GradientsWorker(info.Env(), trainer, Batch(info[1], *trainer), loss_options(info[2])));
}

Napi::Value trainer_step(const Napi::CallbackInfo &info) {
  const auto &trainer = Handle<Trainer>::of(info[0]).object;
  Batch batch(info[1], *trainer);
  const ner_loss_options loss = loss_options(info[2]);
  const Napi::Object update = object_of(info[3], "update");
  return PromiseWorker::start(new StepWorker(
      info.Env(), trainer, std::move(batch), loss,
      {number(update, "learningRate"), number(update, "weightDecay"), number(update, "maximumGradientNorm")}));
}

Napi::Value trainer_state(const Napi::CallbackInfo &info) {
  return PromiseWorker::start(new StateWorker(info.Env(), Handle<Trainer>::of(info[0]).object));
}
