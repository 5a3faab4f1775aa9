#pragma once

#include "cuda_api.h"
#include "rows.h"

// What cuda_api.h says of rows_search, rows_above and rows_scores. Within Device::run().
//
// How a search finds its way without asking the host in between: first a sample of the rows, every s-th of all, is searched
// and leaves each query a threshold that `limit` documents reach; with it a sample that is larger by the factor by which
// the thresholds let rows pass; at last all rows. A sample of all rows, and not the first ones, because rows lie
// together as they came: the best ones for a query may all lie at the end. For 10 M rows and the best 100 the samples are
// every 1,600th and every 40th row: 2.6 % more to read than the rows themselves.
//
// What a pass finds has room for `capacity` rows a query, four times what is to be expected. Where that was not enough
// (rows in an order that misleads every sample, or scores that the coarse pass cannot tell apart), the host hears
// of it at the end, and these queries are searched again in a way that costs more: those of the coarse pass exactly, those
// of the exact one by ranking all documents above the threshold that was reached, which cannot fail.

namespace ner_retriever::cuda {

void search_rows(const Rows &rows, size_t row_count, const ner_selection *selection, const float *queries,
                 size_t query_count, size_t limit, const ner_cuda_found &found);

// Returns how many there are; those beyond `capacity` are only counted.
size_t rows_above(const Rows &rows, size_t row_count, const ner_selection *selection, const float *query,
                  float minimum_score, uint64_t *keys, size_t capacity);

void rows_scores(const Rows &rows, const float *queries, size_t query_count, const uint32_t *chosen, size_t chosen_count,
                 float *scores);

}  // namespace ner_retriever::cuda
