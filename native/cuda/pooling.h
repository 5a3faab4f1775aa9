#pragma once

#include "runtime/device.h"
#include "span_chunks.h"

namespace ner_retriever::cuda {

// As ner_pool_spans: rows [tokens, dimensions] and out, in the host's memory. Within Device::run().
void pool_host_spans(Device &device, const float *rows, size_t tokens, size_t dimensions, const Spans &spans, float *out);

}  // namespace ner_retriever::cuda
