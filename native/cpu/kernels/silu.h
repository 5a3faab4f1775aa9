#pragma once

#include <cstddef>

namespace {

// 1 + exp(-x), which is what SiLU and the sigmoid divide by, within 4 ulp.
// exp(t) = 2^n * exp(r) with n = round(t / ln 2) and |r| <= ln 2 / 2, where a polynomial of degree 7 does (Cephes'
// coefficients). 2^n is multiplied in as two halves, so that it may run over into infinity: large negative x become
// -0, as they should. NaN stays NaN on every step.
template <class Lanes>
typename Lanes::Vector one_plus_exp_minus(typename Lanes::Vector x) {
  using Vector = typename Lanes::Vector;
  using Bits = typename Lanes::Bits;
  const Vector one = Lanes::broadcast(1.0f);
  const Vector limit = Lanes::broadcast(100.0f);
  // Added to a small number, this leaves its nearest integer in the low bits of the sum.
  const Vector rounder = Lanes::broadcast(12582912.0f);

  Vector t = -x;
  t = t > limit ? limit : t;
  t = t < -limit ? -limit : t;

  const Vector shifted = t * Lanes::broadcast(1.44269504f) + rounder;
  const Vector n = shifted - rounder;
  const Vector r = Lanes::multiply_add(n, Lanes::broadcast(2.12194440e-4f), t - n * Lanes::broadcast(0.693359375f));

  Vector polynomial = Lanes::broadcast(1.9875691500e-4f);
  polynomial = Lanes::multiply_add(polynomial, r, Lanes::broadcast(1.3981999507e-3f));
  polynomial = Lanes::multiply_add(polynomial, r, Lanes::broadcast(8.3334519073e-3f));
  polynomial = Lanes::multiply_add(polynomial, r, Lanes::broadcast(4.1665795894e-2f));
  polynomial = Lanes::multiply_add(polynomial, r, Lanes::broadcast(1.6666665459e-1f));
  polynomial = Lanes::multiply_add(polynomial, r, Lanes::broadcast(5.0000001201e-1f));
  const Vector exp_r = Lanes::multiply_add(polynomial, r * r, r + one);

  // The exponent field of a float is its power plus 127. `half` is n / 2 rounded down.
  const Bits power = reinterpret_cast<Bits>(shifted) - reinterpret_cast<Bits>(rounder);
  const Bits half = power >> 1;
  const Vector scale_1 = reinterpret_cast<Vector>((half + 127) << 23);
  const Vector scale_2 = reinterpret_cast<Vector>((power - half + 127) << 23);
  return one + exp_r * scale_1 * scale_2;
}

// x / (1 + exp(-x)) in place; count is a multiple of the width.
template <class Lanes>
void silu(float *values, size_t count) {
  for (size_t i = 0; i < count; i += Lanes::width) {
    const auto x = Lanes::load(values + i);
    Lanes::store(values + i, x / one_plus_exp_minus<Lanes>(x));
  }
}

}  // namespace
