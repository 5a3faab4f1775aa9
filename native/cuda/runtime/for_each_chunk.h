#pragma once

#include <algorithm>
#include <cstddef>

#include "device.h"

namespace ner_retriever::cuda {

// One chunk of rows that lie in the host's memory.
struct Chunk {
  size_t first;
  size_t count;
  size_t turn;  // 0 or 1: for what each chunk needs a buffer of its own
};

// rows [row_count, columns], of the host, `chunk_rows` at a time, while everything overlaps: chunk n + 1 goes up and chunk n - 1
// comes down, in the copy stream, while the work on chunk n is done in the other.
//
//   work(chunk, rows)  queues what is to be done with the chunk's rows, on the device, in device.stream().
//   finish(chunk)      is called when the work on the next chunk has been queued, and gets the results of this one:
//                      device.staging().download(results[chunk.turn], …, device.copy_stream()).
template <class T, class Work, class Finish>
void for_each_chunk(Device &device, const T *rows, size_t row_count, size_t columns, size_t chunk_rows, const Work &work,
                    const Finish &finish) {
  if (row_count == 0) return;
  const size_t most = std::min(chunk_rows, row_count);
  const DeviceBuffer<T> buffers[2] = {{device.memory(), most * columns},
                                      {device.memory(), most < row_count ? most * columns : 0}};
  const Event uploaded[2];
  const Event worked[2];

  const auto finish_when_worked = [&](const Chunk &chunk) {
    worked[chunk.turn].hold_back(device.copy_stream());
    finish(chunk);
  };
  Chunk before = {0, 0, 0};
  for (size_t first = 0; first < row_count; first += most) {
    const Chunk chunk = {first, std::min(most, row_count - first), first / most % 2};
    T *buffer = buffers[chunk.turn].get();
    worked[chunk.turn].hold_back(device.copy_stream());
    device.staging().upload(rows + first * columns, chunk.count * columns * sizeof(T), buffer, device.copy_stream());
    uploaded[chunk.turn].record(device.copy_stream());
    uploaded[chunk.turn].hold_back(device.stream());
    work(chunk, static_cast<const T *>(buffer));
    worked[chunk.turn].record(device.stream());
    if (before.count > 0) finish_when_worked(before);
    before = chunk;
  }
  finish_when_worked(before);
}

}  // namespace ner_retriever::cuda
