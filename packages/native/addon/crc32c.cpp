#include "ner_retriever/crc32c.h"

#include "arguments.h"
#include "operations.h"

Napi::Value crc32c(const Napi::CallbackInfo &info) {
  const Napi::Uint8Array bytes = uint8_array(info[0], "bytes");
  const size_t seed = integer(info[1], "seed", 0, 4294967295.0);
  return Napi::Number::New(info.Env(), ner_crc32c(bytes.Data(), bytes.ElementLength(), static_cast<uint32_t>(seed)));
}
