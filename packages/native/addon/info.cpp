#include "environment.h"
#include "faiss_library.h"
#include "ner_retriever/blas.h"
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

  const ner_blas *found = ner_blas_open(nullptr);
  Napi::Object blas = Napi::Object::New(env);
  blas.Set("available", found != nullptr);
  blas.Set("version", found == nullptr ? env.Null() : Napi::String::New(env, ner_blas_version(found)).As<Napi::Value>());
  blas.Set("reason", found == nullptr ? Napi::String::New(env, ner_last_error()).As<Napi::Value>() : env.Null());

  Napi::Object result = Napi::Object::New(env);
  result.Set("instructionSets", available);
  result.Set("instructionSet", ner_instruction_set_name(Environment::of(env).instruction_set));
  result.Set("faiss", faiss);
  result.Set("openblas", blas);
  return result;
}
