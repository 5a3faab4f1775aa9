#include "arguments.h"

#include <cmath>

namespace {

Napi::TypedArray typed_array(const Napi::Value &value, const std::string &name, napi_typedarray_type type,
                             const char *type_name) {
  const Napi::Env env = value.Env();
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    throw Napi::TypeError::New(env, "expected " + name + " to be a " + type_name);
  const Napi::Value buffer = value.As<Napi::Object>().Get("buffer");
  if (!buffer.IsArrayBuffer())
    throw Napi::TypeError::New(env, "expected " + name + " to be over an ArrayBuffer of its own, got shared memory");
  if (buffer.As<Napi::ArrayBuffer>().IsDetached())
    throw Napi::TypeError::New(env, "expected " + name + " to hold data, got a detached array (it was transferred)");
  if (buffer.As<Napi::Object>().Get("resizable").ToBoolean())
    throw Napi::TypeError::New(env, "expected " + name + " to be over a fixed ArrayBuffer, got a resizable one");
  return value.As<Napi::TypedArray>();
}

}  // namespace

Napi::Float32Array float32_array(const Napi::Value &value, const std::string &name) {
  return typed_array(value, name, napi_float32_array, "Float32Array").As<Napi::Float32Array>();
}

Napi::Int32Array int32_array(const Napi::Value &value, const std::string &name) {
  return typed_array(value, name, napi_int32_array, "Int32Array").As<Napi::Int32Array>();
}

Napi::Uint8Array uint8_array(const Napi::Value &value, const std::string &name) {
  return typed_array(value, name, napi_uint8_array, "Uint8Array").As<Napi::Uint8Array>();
}

Napi::Uint32Array uint32_array(const Napi::Value &value, const std::string &name) {
  return typed_array(value, name, napi_uint32_array, "Uint32Array").As<Napi::Uint32Array>();
}

size_t integer(const Napi::Value &value, const std::string &name, double minimum, double maximum) {
  const Napi::Env env = value.Env();
  if (!value.IsNumber()) throw Napi::TypeError::New(env, "expected " + name + " to be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= minimum && number <= maximum && std::floor(number) == number))
    throw Napi::RangeError::New(env, "expected " + name + " to be an integer from " +
                                         Napi::Number::New(env, minimum).ToString().Utf8Value() + " to " +
                                         Napi::Number::New(env, maximum).ToString().Utf8Value() + ", got " +
                                         value.ToString().Utf8Value());
  return static_cast<size_t>(number);
}

size_t row_count(const Napi::TypedArray &array, size_t columns, const std::string &name) {
  const size_t length = array.ElementLength();
  if (length % columns != 0)
    throw Napi::RangeError::New(array.Env(), "expected " + name + " to be a whole number of rows of " +
                                                 std::to_string(columns) + ", got " + std::to_string(length) +
                                                 " elements");
  return length / columns;
}
