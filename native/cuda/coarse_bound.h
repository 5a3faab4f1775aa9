#pragma once

#include <cstddef>

// How far a score from the tensor cores may be from the score that score_rows.cuh computes: with this bound, the coarse
// pass leaves out no row that is among the best.
//
// The tensor cores multiply q' and r', the query and the row rounded to bfloat16 (r' = r for rows that are kept so), and
// add in float32. From
//
//     <q, r> - <q', r'> = <q - q', r> + <q', r - r'>
//
// and Cauchy-Schwarz follows
//
//     |<q, r> - <q', r'>| <= ‖q - q'‖ ‖r‖ + ‖q'‖ ‖r - r'‖.
//
// Then there are the two computations, with u = 2^-24 and d dimensions:
//
// - The exact score's sum is off by at most g ‖q‖ ‖r‖, g = (d + 32) u / (1 - (d + 32) u), as in int8_scan.h; the 32
//   allows for the roundings of the bound itself and of what is added to the coarse score.
// - The coarse score. A product of two bfloat16 is exact in float32 (16 bits). One mma adds 16 of them to the sum so far.
//   How, the hardware's makers do not say: measurements found that the addends are cut (not rounded) to the last place
//   of the largest one, or one or two places further, and so is the result. We allow each of the 17 addends and the
//   result an error of 2^-23 of the sum of all magnitudes, and the same again for an mma that works in two halves:
//   36 x 2^-23 for each 16 products, which is less than 2.5 x 2^-23 = 5 u for each product. With d' = d + 32, more than
//   what d is padded to, the sum is off by at most t ‖q'‖ ‖r'‖, t = 5 d' u / (1 - 5 d' u).
// - Numbers below the smallest normal one, 2^-126, may count as 0 anywhere: each product then loses at most
//   2^-126 (itself) + 2^-126 |r_i| + 2^-126 |q_i|.
//
// ‖r'‖ <= ‖r‖ + ‖r - r'‖, ‖q'‖ <= ‖q‖ + ‖q - q'‖. All of it is at most
//
//     of_length ‖r‖ + of_loss ‖r - r'‖ + rest
//     of_length = ‖q - q'‖ + g ‖q‖ + t ‖q'‖ + 2 d 2^-126
//     of_loss   = ‖q'‖ (1 + t)
//     rest      = 2 d 2^-126 (1 + ‖q‖)
//
// with the lengths rounded up (row_lengths.h). Rows and queries longer than 2^60, infinite or NaN say nothing: partial sums
// could overflow. Such rows have an infinite length, so that they are always scored exactly; such queries are not `coarse`.
//
// For vectors of length 1 and 500 dimensions ‖q - q'‖ is about 0.0017, g and t ‖q'‖ together 0.0002. Random directions in
// 500 dimensions have scores with a deviation of 1 / sqrt(500) = 0.045, so that the hundredth of 10 M rows (4.3 deviations
// out) has exp(4.3 x 2 x 0.0019 / 0.045) = 1.4 times as many candidates; where rows are rounded too, twice as many.

namespace ner_retriever::cuda {

struct CoarseBound {
  float of_length;
  float of_loss;
  float rest;
  bool coarse;  // false: this query must be scored exactly, against all rows
};

constexpr double longest_coarse_length = 0x1p60;

// query [dimensions]; rounded [dimensions]: gets q', as bfloat16, with numbers below 2^-126 made 0.
CoarseBound coarse_bound(const float *query, size_t dimensions, unsigned short *rounded);

}  // namespace ner_retriever::cuda
