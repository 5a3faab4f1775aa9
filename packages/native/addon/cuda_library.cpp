#include "cuda_library.h"

#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "beside_addon.h"
#include "ner_retriever/cuda.h"
#include "ner_retriever/status.h"
#include "operations.h"

namespace {

// Every thread's addon is told the same one.
std::mutex packaged_mutex;
std::string packaged;

// Where it lies unless somebody named it.
std::string installed_library() {
  const std::string beside = beside_addon("ner_retriever_cuda.so");
  const std::lock_guard<std::mutex> lock(packaged_mutex);
  return packaged.empty() || access(beside.c_str(), F_OK) == 0 ? beside : packaged;
}

}  // namespace

CudaLibrary find_cuda() {
  const char *name = std::getenv("NER_RETRIEVER_CUDA_LIBRARY");
  const bool named = name != nullptr && *name != '\0';
  const std::string path = named ? name : installed_library();
  if (named && access(path.c_str(), F_OK) != 0)
    return {path, nullptr, "NER_RETRIEVER_CUDA_LIBRARY names " + path + ", which is not there"};
  const ner_cuda_api *api = ner_retriever::load_cuda(path.c_str());
  return {path, api, api == nullptr ? ner_last_error() : ""};
}

Napi::Error device_unavailable(Napi::Env env, const std::string &reason) {
  const Napi::Error error = Napi::Error::New(env, reason);
  error.Set("code", Napi::String::New(env, "DEVICE_UNAVAILABLE"));
  return error;
}

Napi::Value cuda_library(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const CudaLibrary library = find_cuda();
  Napi::Object result = Napi::Object::New(env);
  result.Set("path", library.path);
  result.Set("reason",
             library.api != nullptr ? env.Null() : Napi::String::New(env, library.reason).As<Napi::Value>());
  return result;
}

Napi::Value use_packaged_cuda(const Napi::CallbackInfo &info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "expected the CUDA library's path to be a string");
  const std::lock_guard<std::mutex> lock(packaged_mutex);
  packaged = info[0].As<Napi::String>();
  return info.Env().Undefined();
}
