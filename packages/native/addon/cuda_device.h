#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "ner_retriever/cuda_device.h"

// A device in JavaScript's hands. What is made on it takes a share of `open`; after close() there is none to take.
struct CudaDevice {
  static constexpr napi_type_tag type_tag = {0x3c81f5e6a9d24b07, 0xd5b2086c7f1e4a93};
  static constexpr const char *type_name = "CudaDevice";

  std::mutex mutex;
  std::shared_ptr<ner_retriever::CudaDevice> open;
};

// The device of an argument that may be left out (undefined or null: no device); an Error with the code CLOSED where it was
// closed, a TypeError where it is none.
std::shared_ptr<ner_retriever::CudaDevice> device_argument(const Napi::Value &value);
