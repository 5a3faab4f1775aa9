#include "coarse_bound.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "int8_bound.h"
#include "ner_retriever/bfloat16.h"

namespace ner_retriever::cuda {

namespace {

constexpr double unit = 0x1p-24;
constexpr double smallest_normal = 0x1p-126;

// The effect of so many roundings, each off by one unit.
double roundings(double count) { return count * unit / (1 - count * unit); }

float widened(unsigned short half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

CoarseBound coarse_bound(const float *query, size_t dimensions, unsigned short *rounded) {
  ner_bfloat16_round(query, dimensions, rounded);
  double squares = 0, rounded_squares = 0, lost_squares = 0;
  for (size_t i = 0; i < dimensions; ++i) {
    if (std::fabs(widened(rounded[i])) < static_cast<float>(smallest_normal)) rounded[i] = 0;
    const auto exact = static_cast<double>(query[i]), kept = static_cast<double>(widened(rounded[i]));
    squares += exact * exact;
    rounded_squares += kept * kept;
    lost_squares += (exact - kept) * (exact - kept);
  }
  // Sums in double are off by less than what round_up allows for, up to 2^16 of them; beyond, nothing is coarse.
  if (!(std::sqrt(squares) <= longest_coarse_length) || dimensions > (size_t{1} << 16)) return {0, 0, 0, false};
  const auto d = static_cast<double>(dimensions);
  const double length = static_cast<double>(round_up(std::sqrt(squares)));
  const double rounded_length = static_cast<double>(round_up(std::sqrt(rounded_squares)));
  const double lost = static_cast<double>(round_up(std::sqrt(lost_squares)));
  const double g = roundings(d + 32);
  const double t = roundings(5 * (d + 32));
  const double vanished = 2 * d * smallest_normal;
  return {round_up(lost + g * length + t * rounded_length + vanished), round_up(rounded_length * (1 + t)),
          round_up(vanished * (1 + length)), true};
}

}  // namespace ner_retriever::cuda
