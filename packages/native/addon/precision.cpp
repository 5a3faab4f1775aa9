#include "precision.h"

#include "arguments.h"
#include "ner_retriever/int8_scan.h"

ner_precision precision(const Napi::Value &value) {
  const std::string name = value.ToString();
  if (name == "float32") return NER_FLOAT32;
  if (name == "bfloat16") return NER_BFLOAT16;
  if (name == "int8") return NER_INT8;
  throw Napi::TypeError::New(value.Env(),
                             "expected precision to be 'float32', 'bfloat16' or 'int8', got '" + name + "'");
}

size_t dimensions_of(const Napi::Value &value, ner_precision precision) {
  return integer(value, "dimensions", 1, precision == NER_INT8 ? NER_INT8_MOST_DIMENSIONS : 1 << 20);
}
