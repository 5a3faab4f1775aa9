#include "pooling.h"

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

size_t pooled_columns(ner_pooling pooling, size_t dimensions) {
  return pooling == NER_POOL_FIRST_LAST ? 2 * dimensions : dimensions;
}
