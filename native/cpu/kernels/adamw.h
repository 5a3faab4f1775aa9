#pragma once

#include <cstddef>
#include <cstring>

namespace {

template <class Lanes>
void adamw(const ner_retriever::AdamwStep &step, const float *gradients, float *parameters, float *first_moments,
           float *second_moments, size_t count) {
  using Vector = typename Lanes::Vector;
  const Vector scale = Lanes::broadcast(step.gradient_scale);
  const Vector decay = Lanes::broadcast(step.decay);
  const Vector step_size = Lanes::broadcast(step.step_size);
  const Vector correction = Lanes::broadcast(step.second_correction);
  const Vector beta_1 = Lanes::broadcast(0.9f), rest_1 = Lanes::broadcast(0.1f);
  const Vector beta_2 = Lanes::broadcast(0.999f), rest_2 = Lanes::broadcast(0.001f);
  const Vector epsilon = Lanes::broadcast(1e-8f);

  const auto run = [&](const float *gradient_at, float *parameter_at, float *first_at, float *second_at) {
    const Vector gradient = Lanes::load(gradient_at) * scale;
    const Vector first = Lanes::load(first_at) * beta_1 + gradient * rest_1;
    const Vector second = Lanes::load(second_at) * beta_2 + gradient * gradient * rest_2;
    Lanes::store(first_at, first);
    Lanes::store(second_at, second);
    const Vector divisor = Lanes::square_root(second) / correction + epsilon;
    Lanes::store(parameter_at, Lanes::load(parameter_at) * decay - step_size * first / divisor);
  };
  size_t i = 0;
  for (; i + Lanes::width <= count; i += Lanes::width)
    run(gradients + i, parameters + i, first_moments + i, second_moments + i);
  if (i == count) return;
  // The rest goes through the same instructions, in vectors of its own.
  const size_t bytes = (count - i) * sizeof(float);
  float rest[4][Lanes::width] = {};
  std::memcpy(rest[0], gradients + i, bytes);
  std::memcpy(rest[1], parameters + i, bytes);
  std::memcpy(rest[2], first_moments + i, bytes);
  std::memcpy(rest[3], second_moments + i, bytes);
  run(rest[0], rest[1], rest[2], rest[3]);
  std::memcpy(parameters + i, rest[1], bytes);
  std::memcpy(first_moments + i, rest[2], bytes);
  std::memcpy(second_moments + i, rest[3], bytes);
}

}  // namespace
