#pragma once

#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

// Exact search through bytes (NER_INT8 of search.h): a quarter of the memory is read, and the answer is that of the
// float32 rows, bit for bit.
//
// A row r [dimensions] is kept as codes c, whole numbers from -127 to 127, and a scale s: r ≈ r' = s c. So is a query,
// q ≈ q'. What is lost is known: from
//
//     <q, r> - <q', r'> = <q, r - r'> + <q - q', r'>
//
// and Cauchy-Schwarz follows
//
//     |<q, r> - <q', r'>| <= ‖q‖ ‖r - r'‖ + ‖q - q'‖ ‖r'‖.
//
// ‖r - r'‖ is kept for each row (`errors`), the largest ‖r'‖ for each segment (`longest`), both rounded up. <q', r'> is a
// whole number, computed exactly, times two scales. What must be bounded is the score that the float32 search computes,
// with u = 2^-24 and d dimensions: its sum is off by at most d u / (1 - d u) ‖q‖ ‖r‖ (whatever the order of the additions) and
// by the smallest normal number for each product that vanishes; the three products of the int8 score and the sums of the
// bound itself round less than 32 times. All of it is in the bound
//
//     ‖q‖ e (1 + g) + ‖q - q'‖ l + g ‖q‖ l + 2 d 2^-126,    g = (d + 32) u / (1 - (d + 32) u),
//
// with e the row's error and l the segment's longest. A row whose int8 score and bound stay below the `limit`-th best
// int8 score less bound cannot be among the `limit` best. All others are scored again from the float32 rows. Of documents
// of several rows, the best of such a lower bound counts for each.
//
// Where the scores are too close for bytes to tell them apart (more than a sixteenth of the rows and than four times the
// limit are candidates, or more than 64 MiB of them for each thread), and for a limit of half of the rows or more, all
// float32 rows are read, for those queries alone.

#define NER_INT8_MOST_DIMENSIONS 65536

// rows [row_count, dimensions] -> codes [row_count, dimensions], scales and errors [row_count], and the largest length of
// a quantised row (for rows that are quantised in several calls: the largest of all). On the calling thread. The result
// is the same on every machine.
// Rows that do not fit (a component beyond 2^40, infinite or NaN) have zero codes and an infinite error: they are always
// scored from float32. Rows without a component above 2^-40 have zero codes and their own length as the error.
ner_status ner_int8_quantise(const float *rows, size_t row_count, size_t dimensions, int8_t *codes, float *scales,
                             float *errors, float *longest);

#ifdef __cplusplus
}
#endif
