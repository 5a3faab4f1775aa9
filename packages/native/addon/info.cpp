#include "environment.h"
#include "faiss_library.h"
#include "ner_retriever/faiss.h"
#include "operations.h"

Napi::Value info(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Napi::Array available = Napi::Array::New(env);
  for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512})
    if (ner_instruction_set_available(set)) available.Set(available.Length(), ner_instruction_set_name(set));

  const FaissLibrary library = find_faiss();
  Napi::Object faiss = Napi::Object::New(env);
  faiss.Set("available", library.api != nullptr);
  if (library.api != nullptr) {
    faiss.Set("version", ner_retriever::faiss_version(*library.api));
    faiss.Set("reason", env.Null());
  } else {
    faiss.Set("version", env.Null());
    faiss.Set("reason", library.reason);
  }

  Napi::Object result = Napi::Object::New(env);
  result.Set("instructionSets", available);
  result.Set("instructionSet", ner_instruction_set_name(Environment::of(env).instruction_set));
  result.Set("faiss", faiss);
  return result;
}
