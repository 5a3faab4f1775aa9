#include "cuda_device.h"

#include "../../../native/cuda/cuda_api.h"
#include "arguments.h"
#include "cuda_library.h"
#include "handle.h"
#include "operations.h"
#include "promise_worker.h"
#include "status.h"

namespace {

using Device = ner_retriever::CudaDevice;

std::string version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

Napi::Object description_object(Napi::Env env, const ner_cuda_device_description &description) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", description.name);
  object.Set("computeCapability", std::to_string(description.major) + "." + std::to_string(description.minor));
  object.Set("multiprocessors", description.multiprocessors);
  object.Set("memoryBytes", static_cast<double>(description.memory));
  object.Set("freeBytes", static_cast<double>(description.free_memory));
  object.Set("heldBytes", static_cast<double>(description.held_memory));
  object.Set("driverVersion", version(description.driver_version));
  object.Set("runtimeVersion", version(description.runtime_version));
  object.Set("blas", description.blas);
  return object;
}

// The interface, or an error that says why there is none.
const ner_cuda_api &cuda(Napi::Env env) {
  const CudaLibrary library = find_cuda();
  if (library.api != nullptr) return *library.api;
  throw device_unavailable(env, library.reason);
}

class OpenWorker final : public PromiseWorker {
 public:
  OpenWorker(Napi::Env env, const ner_cuda_api &api, int number, size_t memory_limit)
      : PromiseWorker(env), api_(api), number_(number), memory_limit_(memory_limit) {}

 private:
  ner_status run() noexcept override { return opened_ = Device::open(api_, number_, memory_limit_, &device_); }
  Napi::Value result() override {
    auto device = std::make_shared<CudaDevice>();
    device->open = std::move(device_);
    return Handle<CudaDevice>::make(Env(), std::move(device), 0);
  }
  void describe(Napi::Object error) override {
    if (opened_ == NER_UNAVAILABLE) error.Set("code", "DEVICE_UNAVAILABLE");
  }

  const ner_cuda_api &api_;
  int number_;
  size_t memory_limit_;
  ner_status opened_ = NER_OK;
  std::shared_ptr<Device> device_;
};

class DescribeWorker final : public PromiseWorker {
 public:
  DescribeWorker(Napi::Env env, std::shared_ptr<Device> device) : PromiseWorker(env), device_(std::move(device)) {}

 private:
  ner_status run() noexcept override { return device_->describe(&description_); }
  Napi::Value result() override { return description_object(Env(), description_); }

  std::shared_ptr<Device> device_;
  ner_cuda_device_description description_ = {};
};

// Giving its memory back takes its time.
class CloseWorker final : public PromiseWorker {
 public:
  CloseWorker(Napi::Env env, std::shared_ptr<CudaDevice> device) : PromiseWorker(env), device_(std::move(device)) {}

 private:
  ner_status run() noexcept override {
    std::shared_ptr<Device> last;
    const std::lock_guard<std::mutex> lock(device_->mutex);
    last.swap(device_->open);
    return NER_OK;
  }
  Napi::Value result() override { return Env().Undefined(); }

  std::shared_ptr<CudaDevice> device_;
};

}  // namespace

std::shared_ptr<ner_retriever::CudaDevice> device_argument(const Napi::Value &value) {
  if (value.IsUndefined() || value.IsNull()) return nullptr;
  const auto &device = Handle<CudaDevice>::of(value).object;
  const std::lock_guard<std::mutex> lock(device->mutex);
  if (device->open != nullptr) return device->open;
  const Napi::Error closed = Napi::Error::New(value.Env(), "the device was closed");
  closed.Set("code", Napi::String::New(value.Env(), "CLOSED"));
  throw closed;
}

Napi::Value cuda_device_open(const Napi::CallbackInfo &info) {
  const size_t number = integer(info[0], "number", 0, 1023);
  const size_t memory_limit = integer(info[1], "memoryLimit", 0, 9007199254740991.0);
  return PromiseWorker::start(new OpenWorker(info.Env(), cuda(info.Env()), static_cast<int>(number), memory_limit));
}

Napi::Value cuda_device_describe(const Napi::CallbackInfo &info) {
  Handle<CudaDevice>::of(info[0]);
  return PromiseWorker::start(new DescribeWorker(info.Env(), device_argument(info[0])));
}

Napi::Value cuda_device_close(const Napi::CallbackInfo &info) {
  return PromiseWorker::start(new CloseWorker(info.Env(), Handle<CudaDevice>::of(info[0]).object));
}

Napi::Value cuda_probe(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const ner_cuda_api &api = cuda(env);
  int devices = 0;
  if (api.device_count(&devices) != NER_OK) throw device_unavailable(env, api.last_error());
  std::shared_ptr<Device> device;
  ner_cuda_device_description description = {};
  ner_status status = Device::open(api, 0, 0, &device);
  if (status == NER_OK) status = device->describe(&description);
  if (status == NER_OK) status = ner_retriever::try_cuda(device);
  if (status != NER_OK) throw device_unavailable(env, ner_last_error());
  Napi::Object result = Napi::Object::New(env);
  result.Set("devices", devices);
  result.Set("device", description_object(env, description));
  return result;
}
