#pragma once

#include "ner_retriever/pooling.h"
#include "ner_retriever/projection.h"
#include "ner_retriever/search.h"
#include "ner_retriever/training.h"

// What the CUDA library (a shared library of its own, see CMakeLists.txt here) and the one that opens it agree on. Plain C,
// like faiss/faiss_api.h: both sides may come from different builds. `api_version` is the first field for all time; whoever
// changes anything below it raises the number, and a library with another number is refused.
//
// Matrices that are passed in and out lie in the host's memory, compact and row-major. A call returns when its results are
// there. Calls with one device may come from any thread; they are carried out one after the other. Running out of the
// device's memory is NER_OUT_OF_MEMORY: the device and everything on it stay usable.

#define NER_CUDA_API_VERSION 1u

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ner_cuda_device ner_cuda_device;         // one GPU: its streams, its memory, its staging buffers
typedef struct ner_cuda_projection ner_cuda_projection; // a head's weights on it
typedef struct ner_cuda_rows ner_cuda_rows;             // an index's rows on it
typedef struct ner_cuda_trainer ner_cuda_trainer;       // a head in training on it

typedef struct ner_cuda_device_options {
  size_t memory_limit;  // bytes of the device that this library may hold; 0: all that are free
  size_t staging_bytes; // of pinned memory for each of the two staging buffers; 0: 32 MiB
  const char *blas;     // cuBLAS's shared library; null: the system's, where it is there; "": none, own kernels multiply
} ner_cuda_device_options;

typedef struct ner_cuda_device_description {
  char name[256];         // "NVIDIA H100 80GB HBM3"
  int major, minor;       // compute capability
  int multiprocessors;
  size_t memory;          // bytes
  size_t free_memory;     // bytes
  size_t held_memory;     // bytes that this library holds now
  int driver_version;     // 13000: CUDA 13.0
  int runtime_version;
  char blas[256];         // "cuBLAS 13.1.0", or why there is none
} ner_cuda_device_description;

// What was found for one query. Best first; equal scores by lower row; NaN last.
//
// float32 and bfloat16: `scores` are final. int8: the library has no float32 rows, so it answers with candidates: every
// row that may be the best of one of the `limit` best documents, by the bounds of int8_scan.h, in rising order of rows;
// their `scores` are upper bounds. `counts[query]` beyond `capacity`: more than fit, and what stands there is of no use.
typedef struct ner_cuda_found {
  size_t capacity; // places of a query: `limit` for float32 and bfloat16, more for int8
  float *scores;   // [query_count, capacity]
  uint32_t *rows;  // [query_count, capacity]
  size_t *counts;  // [query_count]
} ner_cuda_found;

typedef struct ner_cuda_api {
  uint32_t api_version;

  // Why the last call on this thread that did not return NER_OK failed.
  const char *(*last_error)(void);

  // NER_UNAVAILABLE: no driver, one that is too old, no device, or none that this build has code for.
  ner_status (*device_count)(int *count);
  ner_status (*device_open)(int number, const ner_cuda_device_options *options, ner_cuda_device **device);
  // Everything on it must have been destroyed.
  void (*device_close)(ner_cuda_device *device);
  ner_status (*device_describe)(ner_cuda_device *device, ner_cuda_device_description *description);

  // As ner_pool_spans.
  ner_status (*pool_spans)(ner_cuda_device *device, const float *rows, size_t tokens, size_t dimensions,
                           const int32_t *spans, size_t span_count, ner_pooling pooling, float *out);

  // As ner_projection_create and ner_projection_run, but for the precision: products of bfloat16, summed in float32. A
  // row's result does not depend on the other rows, also not on how many there are.
  ner_status (*projection_create)(ner_cuda_device *device, const ner_linear_layer *layers, size_t layer_count,
                                  size_t input_dimensions, ner_cuda_projection **projection);
  void (*projection_destroy)(ner_cuda_projection *projection);
  ner_status (*projection_run)(ner_cuda_projection *projection, const float *rows, size_t row_count, float *out);
  // Both in one: token rows go up, projected vectors come down. Spans as ner_pool_spans; out [span_count, output].
  ner_status (*projection_run_spans)(ner_cuda_projection *projection, const float *rows, size_t tokens,
                                     const int32_t *spans, size_t span_count, ner_pooling pooling, float *out);

  // An index's rows. Those that are appended are numbered on from the ones before; a document's rows come one after the
  // other. Of int8, `vectors` and `checksums` of a segment are not read.
  ner_status (*rows_create)(ner_cuda_device *device, ner_precision precision, size_t dimensions, ner_cuda_rows **rows);
  void (*rows_destroy)(ner_cuda_rows *rows);
  // On failure nothing was added.
  ner_status (*rows_append)(ner_cuda_rows *rows, const ner_segment *segment);
  // As ner_search_top_k. queries [query_count, dimensions]. Only the first `row_count` rows are searched, all of them where
  // there are fewer: an index that has grown meanwhile still answers as it was.
  ner_status (*rows_search)(ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *queries,
                            size_t query_count, size_t limit, const ner_cuda_found *found);
  // float32 and bfloat16. As ner_search_ranking, but that the keys come in no order. One for each document is always enough.
  ner_status (*rows_above)(ner_cuda_rows *rows, size_t row_count, const ner_selection *selection, const float *query,
                           float minimum_score, uint64_t *keys, size_t capacity, size_t *key_count);
  // float32 and bfloat16. As ner_search_scores: the bits that rows_search gives.
  ner_status (*rows_scores)(ner_cuda_rows *rows, const float *queries, size_t query_count, const uint32_t *chosen,
                            size_t chosen_count, float *scores);

  // As ner_trainer_create and its like. A step is the same bits every time.
  ner_status (*trainer_create)(ner_cuda_device *device, const ner_trainer_options *options, const float *parameters,
                               const float *first_moments, const float *second_moments, uint64_t steps,
                               ner_cuda_trainer **trainer);
  void (*trainer_destroy)(ner_cuda_trainer *trainer);
  ner_status (*trainer_state)(ner_cuda_trainer *trainer, float *parameters, float *first_moments,
                              float *second_moments, uint64_t *steps);
  ner_status (*trainer_gradients)(ner_cuda_trainer *trainer, const ner_training_batch *batch,
                                  const ner_loss_options *loss, double *loss_value, float *gradients);
  ner_status (*trainer_step)(ner_cuda_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
                             const ner_update_options *update, double *loss_value, double *gradient_norm);
} ner_cuda_api;

// The one exported symbol.
const ner_cuda_api *ner_retriever_cuda_api(void);

#ifdef __cplusplus
}
#endif
