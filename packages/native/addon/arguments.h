#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

// Checks of what JavaScript passes. Each throws a TypeError or RangeError that names the argument, what was expected
// and what came. After them the data pointer and the length can be trusted for as long as no JavaScript runs.

// Memory that is detached, shared with another thread or resizable is refused: it may change or go while we read it.
Napi::Float32Array float32_array(const Napi::Value &value, const std::string &name);
Napi::Int32Array int32_array(const Napi::Value &value, const std::string &name);
Napi::Uint8Array uint8_array(const Napi::Value &value, const std::string &name);
Napi::Uint32Array uint32_array(const Napi::Value &value, const std::string &name);

// An integer in [minimum, maximum].
size_t integer(const Napi::Value &value, const std::string &name, double minimum, double maximum);

// How many rows of `columns` elements the array holds; RangeError if it is not a whole number of them.
size_t row_count(const Napi::TypedArray &array, size_t columns, const std::string &name);
