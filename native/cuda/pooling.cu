#include "pooling.h"

#include <algorithm>
#include <memory>

#include "fitting_rows.h"
#include "pool_spans.cuh"
#include "run_in_chunks.h"
#include "span_slots.h"

namespace ner_retriever::cuda {

namespace {

struct Buffers {
  SpanSlots spans;
  DeviceBuffer<float> out[2];
};

}  // namespace

void pool_host_spans(Device &device, const float *rows, size_t tokens, size_t dimensions, const Spans &spans, float *out) {
  if (dimensions == 0) throw Failure(NER_INVALID_ARGUMENT, "expected at least 1 dimension, got 0");
  check_spans(spans, tokens);
  if (spans.count == 0) return;

  const size_t columns = pooled_columns(spans.pooling, dimensions);
  const size_t wanted = std::min(rows_at_a_time(device, columns), spans.count);
  const auto buffers = allocate_fitting_rows(wanted, [&](size_t count) {
    return std::unique_ptr<Buffers>(new Buffers{{device, rows, dimensions, spans, count},
                                                {{device.memory(), count * columns}, {device.memory(), count * columns}}});
  });
  SpanSlots &slots = buffers->spans;
  run_in_chunks(
      device, [&](size_t slot) { return slots.upload(slot); },
      [&](size_t slot) {
        pool_spans(device.stream(), slots.rows(slot), dimensions, slots.ranges(slot), slots.span_count(slot), spans.pooling,
                   buffers->out[slot].get());
      },
      [&](size_t slot) {
        device.staging().download(buffers->out[slot].get(), slots.span_count(slot) * columns * sizeof(float),
                                  out + slots.first_span(slot) * columns, device.copy_stream());
      });
}

}  // namespace ner_retriever::cuda
