#include "rows.h"

#include <algorithm>
#include <limits>
#include <string>

#include "row_lengths.h"

namespace ner_retriever::cuda {

namespace {

constexpr size_t most_dimensions = std::numeric_limits<uint32_t>::max() / 8;
constexpr size_t most_int8_dimensions = 65536;  // of int8_scan.h
// Rows that need padding go up as they are, so many bytes at a time, and are moved apart on the device.
constexpr size_t padded_at_once = size_t{32} << 20;

size_t bytes_of_value(ner_precision precision) {
  return precision == NER_FLOAT32 ? sizeof(float) : precision == NER_BFLOAT16 ? sizeof(uint16_t) : sizeof(int8_t);
}

const void *values_of(const ner_segment &segment, ner_precision precision) {
  if (precision == NER_FLOAT32) return segment.vectors;
  if (precision == NER_BFLOAT16) return segment.halves;
  return segment.codes;
}

}  // namespace

Rows::Rows(Device &device, ner_precision precision, size_t dimensions)
    : device_(device), precision_(precision), dimensions_(dimensions), value_bytes_(bytes_of_value(precision)) {
  if (precision != NER_FLOAT32 && precision != NER_BFLOAT16 && precision != NER_INT8)
    throw Failure(NER_INVALID_ARGUMENT, "expected float32, bfloat16 or int8 rows, got precision " +
                                            std::to_string(static_cast<int>(precision)));
  const size_t most = precision == NER_INT8 ? most_int8_dimensions : most_dimensions;
  if (dimensions == 0 || dimensions > most)
    throw Failure(NER_INVALID_ARGUMENT,
                  "expected 1 to " + std::to_string(most) + " dimensions, got " + std::to_string(dimensions));
  const size_t bytes = dimensions * value_bytes_;
  row_bytes_ = static_cast<uint32_t>((bytes + row_alignment - 1) / row_alignment * row_alignment);
}

void Rows::append(const ner_segment &segment) {
  if (segment.count == 0) return;
  check_segment(segment);
  const bool with_documents = segment.documents != nullptr;

  // Everything that can fail comes first, and what is there stays what it is.
  const size_t room = chunks_.empty() ? 0 : chunks_.back().capacity - chunks_.back().count;
  const size_t in_last = std::min(room, segment.count), in_new = segment.count - in_last;
  std::vector<RowChunk> views = views_;
  Chunk added;
  if (in_last > 0) {
    const Chunk &last = chunks_.back();
    copy(segment, 0, in_last, last, last.count);
    views.back() = view_of(last, last.count + in_last);
  }
  if (in_new > 0) {
    added = make_roomy_chunk(in_new, with_documents);
    added.first_row = count_ + in_last;
    copy(segment, in_last, in_new, added, 0);
    views.push_back(view_of(added, in_new));
  }
  DeviceBuffer<RowChunk> table(device_.memory(), views.size());
  device_.staging().upload(views.data(), views.size() * sizeof(RowChunk), table.get(), device_.stream());
  chunks_.reserve(chunks_.size() + 1);
  device_.synchronize();

  if (in_last > 0) chunks_.back().count += in_last;
  if (in_new > 0) {
    added.count = in_new;
    chunks_.push_back(std::move(added));
  }
  views_ = std::move(views);
  table_ = std::move(table);
  count_ += segment.count;
  has_documents_ = with_documents;
  if (precision_ == NER_INT8) longest_ = std::max(longest_, segment.longest);
}

void Rows::check_segment(const ner_segment &segment) const {
  const bool complete = values_of(segment, precision_) != nullptr &&
                        (precision_ != NER_INT8 || (segment.scales != nullptr && segment.errors != nullptr));
  if (!complete) throw Failure(NER_INVALID_ARGUMENT, "expected all columns of the precision in the segment");
  if (count_ > 0 && (segment.documents != nullptr) != has_documents_)
    throw Failure(NER_INVALID_ARGUMENT, "expected documents in all segments or in none, this one is not like the first");
  if (segment.count > std::numeric_limits<uint32_t>::max() - count_)
    throw Failure(NER_INVALID_ARGUMENT, "an index holds fewer than 2^32 rows");
}

size_t Rows::bytes_of_row(bool with_documents) const {
  const size_t beside = precision_ == NER_BFLOAT16 ? 1 : 2;  // lengths; and losses, or scales and errors
  return row_bytes_ + (beside + (with_documents ? 1 : 0)) * sizeof(float);
}

Rows::Chunk Rows::make_chunk(size_t capacity, bool with_documents) const {
  DeviceMemory &memory = device_.memory();
  Chunk chunk;
  chunk.values = DeviceBuffer<unsigned char>(memory, capacity * row_bytes_);
  if (precision_ == NER_INT8) {
    chunk.scales = DeviceBuffer<float>(memory, capacity);
    chunk.errors = DeviceBuffer<float>(memory, capacity);
  } else {
    chunk.lengths = DeviceBuffer<float>(memory, capacity);
    if (precision_ == NER_FLOAT32) chunk.losses = DeviceBuffer<float>(memory, capacity);
  }
  if (with_documents) chunk.documents = DeviceBuffer<uint32_t>(memory, capacity);
  chunk.capacity = capacity;
  return chunk;
}

// A quarter of what is there, from 256 KiB on and up to 1 GiB: few chunks, little of them empty.
Rows::Chunk Rows::make_roomy_chunk(size_t count, bool with_documents) const {
  const size_t row_bytes = bytes_of_row(with_documents);
  const size_t bytes = std::clamp<size_t>(count_ * row_bytes / 4, size_t{256} << 10, size_t{1} << 30);
  const size_t rows = std::min<size_t>(bytes / row_bytes, std::numeric_limits<uint32_t>::max() - count_);
  if (rows > count) {
    try {
      return make_chunk(rows, with_documents);
    } catch (const Failure &failure) {
      if (failure.status != NER_OUT_OF_MEMORY) throw;
    }
  }
  return make_chunk(count, with_documents);
}

void Rows::copy(const ner_segment &segment, size_t begin, size_t count, const Chunk &chunk, size_t to) const {
  const auto column = [&](const auto *from, const auto &buffer) {
    device_.staging().upload(from + begin, count * sizeof *from, buffer.get() + to, device_.stream());
  };
  const auto *values = static_cast<const unsigned char *>(values_of(segment, precision_));
  unsigned char *rows = chunk.values.get() + to * row_bytes_;
  copy_values(values + begin * dimensions_ * value_bytes_, count, rows);
  if (precision_ == NER_INT8) {
    column(segment.scales, chunk.scales);
    column(segment.errors, chunk.errors);
  } else {
    float *losses = chunk.losses.get();
    measure_rows(precision_, rows, row_bytes_, count, chunk.lengths.get() + to, losses == nullptr ? nullptr : losses + to,
                 device_.stream());
  }
  if (segment.documents != nullptr) column(segment.documents, chunk.documents);
}

void Rows::copy_values(const void *from, size_t count, unsigned char *to) const {
  const size_t compact = dimensions_ * value_bytes_;
  if (compact == row_bytes_) {
    device_.staging().upload(from, count * compact, to, device_.stream());
    return;
  }
  check(cudaMemsetAsync(to, 0, count * row_bytes_, device_.stream()), "clearing rows");
  const size_t at_once = std::clamp<size_t>(padded_at_once / compact, 1, count);
  const DeviceBuffer<unsigned char> arrived(device_.memory(), at_once * compact);
  for (size_t first = 0; first < count; first += at_once) {
    const size_t some = std::min(at_once, count - first);
    device_.staging().upload(static_cast<const unsigned char *>(from) + first * compact, some * compact, arrived.get(),
                             device_.stream());
    check(cudaMemcpy2DAsync(to + first * row_bytes_, row_bytes_, arrived.get(), compact, compact, some,
                            cudaMemcpyDeviceToDevice, device_.stream()),
          "moving rows apart");
  }
}

RowChunk Rows::view_of(const Chunk &chunk, size_t count) const {
  RowChunk view = {};
  view.values = chunk.values.get();
  view.lengths = chunk.lengths.get();
  view.losses = chunk.losses.get();
  view.scales = chunk.scales.get();
  view.errors = chunk.errors.get();
  view.documents = chunk.documents.get();
  view.row_bytes = row_bytes_;
  view.first_row = static_cast<uint32_t>(chunk.first_row);
  view.count = static_cast<uint32_t>(count);
  return view;
}

}  // namespace ner_retriever::cuda
