#pragma once

#include <cstddef>
#include <cstring>

#include "silu.h"

namespace {

// values x, factors f -> values x * s * f and factors (s + x * s * (1 - s)) * f, with s the sigmoid of x.
template <class Lanes>
void silu_with_slopes(float *values, float *factors, size_t count) {
  using Vector = typename Lanes::Vector;
  const Vector one = Lanes::broadcast(1.0f);
  const auto run = [&](float *x_at, float *f_at) {
    const Vector x = Lanes::load(x_at);
    const Vector factor = Lanes::load(f_at);
    const Vector sigmoid = one / one_plus_exp_minus<Lanes>(x);
    const Vector value = x * sigmoid;
    Lanes::store(x_at, value * factor);
    Lanes::store(f_at, Lanes::multiply_add(value, one - sigmoid, sigmoid) * factor);
  };
  size_t i = 0;
  for (; i + Lanes::width <= count; i += Lanes::width) run(values + i, factors + i);
  if (i == count) return;
  // The rest goes through the same instructions, in a vector of its own.
  float rest_values[Lanes::width] = {}, rest_factors[Lanes::width] = {};
  std::memcpy(rest_values, values + i, (count - i) * sizeof(float));
  std::memcpy(rest_factors, factors + i, (count - i) * sizeof(float));
  run(rest_values, rest_factors);
  std::memcpy(values + i, rest_values, (count - i) * sizeof(float));
  std::memcpy(factors + i, rest_factors, (count - i) * sizeof(float));
}

}  // namespace
