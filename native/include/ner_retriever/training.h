#pragma once

#include "ner_retriever/blas.h"
#include "ner_retriever/instruction_set.h"

#ifdef __cplusplus
extern "C" {
#endif

// The training of a projection head: Linear, SiLU, Dropout, Linear, then each row divided by its L2 norm; before the first
// layer, if wanted, a gate: every input times the sigmoid of a number of its own. Similarity is the cosine of two
// projected rows. AdamW (betas 0.9 and 0.999, epsilon 1e-8) changes the parameters.
//
// The parameters are one array: gate [input] if there is one, weight_1 [hidden, input], bias_1 [hidden],
// weight_2 [output, hidden], bias_2 [output].
typedef struct ner_trainer ner_trainer;

typedef struct ner_trainer_options {
  size_t input;
  size_t hidden;
  size_t output;
  int gate;       // 0 or 1
  float dropout;  // share of the hidden units that a step leaves out, in [0, 1)
  uint64_t seed;  // with the number of the step, it decides which
} ner_trainer_options;

typedef enum ner_loss {
  NER_LOSS_TRIPLET = 0,  // mean over all negatives of max(0, margin + cos(anchor, negative) - cos(anchor, positive))
  NER_LOSS_INFO_NCE = 1, // mean of -log of the positive's share in the softmax of cos / temperature over all candidates
} ner_loss;

typedef struct ner_loss_options {
  ner_loss loss;
  float margin;      // of the triplet loss
  float temperature; // of InfoNCE
} ner_loss_options;

typedef struct ner_update_options {
  float learning_rate;
  float weight_decay;
  float maximum_gradient_norm; // longer gradients are shortened to it; 0: none is
} ner_update_options;

// What one step learns from. Places count from 0.
typedef struct ner_training_batch {
  const float *table; // [table_count, input]
  size_t table_count;
  const int32_t *rows; // [row_count]: the rows of the table that are projected; one that comes twice drops units twice
  size_t row_count;
  const int32_t *anchors;   // [example_count]: places in `rows`
  const int32_t *positives; // [example_count]: places in `rows`
  size_t example_count;
  const int32_t *negatives; // [example_count, negative_count]: places in `rows`
  size_t negative_count;
  // InfoNCE: [example_count, example_count], not 0 where the positive of the column's example is also a negative of the
  // row's; null where none is.
  const uint8_t *contrast;
} ner_training_batch;

size_t ner_trainer_parameter_count(const ner_trainer_options *options);

// parameters, first_moments and second_moments [parameter_count] are copied; null moments are zeros. `steps` is how many
// came before. `blas` may be null. To be freed with ner_trainer_destroy.
ner_status ner_trainer_create(ner_instruction_set set, const ner_blas *blas, const ner_trainer_options *options,
                              const float *parameters, const float *first_moments, const float *second_moments,
                              uint64_t steps, ner_trainer **trainer);
void ner_trainer_destroy(ner_trainer *trainer);

// Bytes of the parameters, their moments and gradients.
size_t ner_trainer_bytes(const ner_trainer *trainer);

// Copies the state out, as ner_trainer_create takes it.
ner_status ner_trainer_state(const ner_trainer *trainer, float *parameters, float *first_moments,
                             float *second_moments, uint64_t *steps);

// The loss of a batch and its gradients [parameter_count], at the dropout of the next step. Changes nothing but scratch
// memory. At most `threads` threads run, the calling one among them.
ner_status ner_trainer_gradients(ner_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
                                 unsigned threads, double *loss_value, float *gradients);

// One step: forward, backward, AdamW. With the library's own kernels the result is the same bits whatever `threads` is.
// A loss that is not finite changes nothing: NER_OK, and the caller sees it in `loss_value`.
ner_status ner_trainer_step(ner_trainer *trainer, const ner_training_batch *batch, const ner_loss_options *loss,
                            const ner_update_options *update, unsigned threads, double *loss_value,
                            double *gradient_norm);

#ifdef __cplusplus
}
#endif
