#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>

// A native object in JavaScript's hands: an opaque value that carries the type's tag, so that the wrong one (or one from
// another addon) is refused with a TypeError and never taken for the memory of something else. Work under way shares
// ownership: the object goes when the last of both lets go.
template <class Object>
struct Handle {
  std::shared_ptr<Object> object;
  // What V8 was told that it takes, so that garbage collection sees the memory behind a small value.
  int64_t reported_bytes = 0;

  static Napi::Value make(Napi::Env env, std::shared_ptr<Object> object, size_t bytes) {
    auto *handle = new Handle{std::move(object)};
    auto value = Napi::External<Handle>::New(env, handle, [](Napi::Env finalizing, Handle *owned) {
      owned->report(finalizing, 0);
      delete owned;
    });
    value.TypeTag(&Object::type_tag);
    handle->report(env, bytes);
    return value;
  }

  static Handle &of(const Napi::Value &value) {
    if (!value.IsExternal() || !value.As<Napi::External<Handle>>().CheckTypeTag(&Object::type_tag))
      throw Napi::TypeError::New(value.Env(), std::string("expected the handle of a ") + Object::type_name);
    return *value.As<Napi::External<Handle>>().Data();
  }

  void report(Napi::Env env, size_t bytes) {
    const auto now = static_cast<int64_t>(bytes);
    Napi::MemoryManagement::AdjustExternalMemory(env, now - reported_bytes);
    reported_bytes = now;
  }
};
