#pragma once

#include <cstddef>
#include <vector>

#include "stream.h"

namespace ner_retriever::cuda {

struct HostPiece {
  const void *memory;
  size_t bytes;
};

// The way between the host's memory and the device's. The GPU copies at full speed, and beside other work, only from pages
// that stay where they are; those are dear, so there are two buffers of them, and everything goes through in pieces: while
// the GPU copies out of one, the host fills the other.
class Staging {
 public:
  // `buffer_bytes` for each of the two.
  explicit Staging(size_t buffer_bytes);
  ~Staging();
  Staging(const Staging &) = delete;
  Staging &operator=(const Staging &) = delete;

  size_t buffer_bytes() const { return buffer_bytes_; }

  // Queues the copy in `stream`, so after what is queued there already and before what comes. Waits only where both buffers are
  // on their way. When it returns, `host` has been read.
  void upload(const void *host, size_t bytes, void *device, cudaStream_t stream) { upload({{host, bytes}}, device, stream); }
  // Several pieces, side by side on the device.
  void upload(const std::vector<HostPiece> &pieces, void *device, cudaStream_t stream);

  // Waits for what is queued in `stream`, as much as it needs to. When it returns, `host` has been written.
  void download(const void *device, size_t bytes, void *host, cudaStream_t stream);

 private:
  struct Buffer {
    void *memory = nullptr;
    Event copied;  // the last copy from or to it
  };

  Buffer &next();

  size_t buffer_bytes_;
  Buffer buffers_[2];
  size_t turn_ = 0;
};

}  // namespace ner_retriever::cuda
