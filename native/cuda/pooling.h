#pragma once

#include "runtime/device.h"
#include "span_chunks.h"

namespace ner_retriever::cuda {

// As ner_pool_spans: rows [tokens, dimensions] and out, in the host's memory. Within Device::run().
void pool_host_spans(Device &device, const float *rows, size_t tokens, size_t dimensions, const Spans &spans, float *out);

// As many rows of `columns` float32 as a staging buffer holds: what goes up or comes down at a time.
size_t rows_at_a_time(Device &device, size_t columns);

}  // namespace ner_retriever::cuda
