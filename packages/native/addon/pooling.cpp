#include "pooling.h"

ner_pooling pooling_argument(const Napi::Value &value) {
  if (value.IsString()) {
    const std::string name = value.As<Napi::String>();
    if (name == "last") return NER_POOL_LAST;
    if (name == "first") return NER_POOL_FIRST;
    if (name == "mean") return NER_POOL_MEAN;
  }
  throw Napi::TypeError::New(value.Env(),
                             "expected pooling to be 'last', 'first' or 'mean', got " + value.ToString().Utf8Value());
}
