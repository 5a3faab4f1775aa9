#pragma once

#include <algorithm>
#include <cstddef>

#include "runtime/device.h"
#include "runtime/stream.h"

namespace ner_retriever::cuda {

// As many rows of `columns` float32 as a staging buffer holds: what goes up or comes down at a time.
inline size_t rows_at_a_time(Device &device, size_t columns) {
  return std::max<size_t>(device.staging().buffer_bytes() / (columns * sizeof(float)), 1);
}

// Goes through work that is larger than the device's share of memory: while one chunk is computed, the one before comes down
// and the next goes up. There are two slots of device memory, which chunks take in turn; all happens within Device::run().
//
//   bool upload(slot)    queues the next chunk's way up in device.copy_stream(); false where there is no more
//   compute(slot)        queues its work in device.stream()
//   download(slot)       brings its results down through device.copy_stream(), and returns when they are there
template <class Upload, class Compute, class Download>
void run_in_chunks(Device &device, const Upload &upload, const Compute &compute, const Download &download) {
  const Event uploaded[2];
  const Event computed[2];
  bool under_way = false;  // the chunk in the other slot
  for (size_t slot = 0;; slot = 1 - slot) {
    // This slot's last chunk has come down: nobody reads or writes it any more.
    const bool more = upload(slot);
    if (more) {
      uploaded[slot].record(device.copy_stream());
      uploaded[slot].hold_back(device.stream());
      compute(slot);
      computed[slot].record(device.stream());
    }
    if (under_way) {
      computed[1 - slot].hold_back(device.copy_stream());
      download(1 - slot);
    }
    under_way = more;
    if (!more) return;
  }
}

}  // namespace ner_retriever::cuda
