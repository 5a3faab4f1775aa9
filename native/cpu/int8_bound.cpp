#include "int8_bound.h"

#include <cmath>
#include <limits>

namespace ner_retriever {

float round_up(double value) noexcept {
  // Sums of 65536 squares in double are off by less than 1e-11 of themselves.
  const double safe = value * (1 + 1e-9);
  const float nearest = static_cast<float>(safe);
  return static_cast<double>(nearest) < safe ? std::nextafterf(nearest, std::numeric_limits<float>::infinity())
                                             : nearest;
}

float length_of(const float *values, size_t count) noexcept {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return round_up(std::sqrt(sum));
}

Int8Bound int8_bound(const QuantisedQuery &query, float longest, size_t dimensions) noexcept {
  constexpr double smallest = static_cast<double>(std::numeric_limits<float>::min());
  const double length = static_cast<double>(query.length);
  const double roundings = static_cast<double>(dimensions + 32) * 0x1p-24;
  const double g = roundings / (1 - roundings);
  const double rest = (static_cast<double>(query.error) + g * length) * static_cast<double>(longest) +
                      2 * static_cast<double>(dimensions) * smallest;
  return {query.scale, round_up(length * (1 + g)), round_up(rest)};
}

}  // namespace ner_retriever
