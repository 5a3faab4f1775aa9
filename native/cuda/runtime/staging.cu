#include "staging.h"

#include <algorithm>
#include <cstring>

namespace ner_retriever::cuda {

Staging::Staging(size_t buffer_bytes) : buffer_bytes_(buffer_bytes) {
  for (Buffer &buffer : buffers_) {
    const cudaError_t error = cudaMallocHost(&buffer.memory, buffer_bytes);
    if (error != cudaSuccess) {
      cudaFreeHost(buffers_[0].memory);  // the destructor does not run
      check(error, "allocating pinned memory of the host");
    }
  }
}

Staging::~Staging() {
  for (const Buffer &buffer : buffers_) cudaFreeHost(buffer.memory);
}

// The one that has been on its way the longer, when it has arrived.
Staging::Buffer &Staging::next() {
  Buffer &buffer = buffers_[turn_++ % 2];
  buffer.copied.synchronize();
  return buffer;
}

void Staging::upload(const std::vector<HostPiece> &pieces, void *device, cudaStream_t stream) {
  Buffer *filling = nullptr;
  size_t filled = 0;
  char *to = static_cast<char *>(device);
  const auto send = [&] {
    if (filled == 0) return;
    check(cudaMemcpyAsync(to, filling->memory, filled, cudaMemcpyHostToDevice, stream), "copying to the GPU");
    filling->copied.record(stream);
    to += filled;
    filled = 0;
  };
  for (const HostPiece &piece : pieces)
    for (size_t at = 0; at < piece.bytes;) {
      if (filled == 0) filling = &next();
      const size_t part = std::min(buffer_bytes_ - filled, piece.bytes - at);
      std::memcpy(static_cast<char *>(filling->memory) + filled, static_cast<const char *>(piece.memory) + at, part);
      filled += part;
      at += part;
      if (filled == buffer_bytes_) send();
    }
  send();
}

void Staging::download(const void *device, size_t bytes, void *host, cudaStream_t stream) {
  // The host empties one buffer while the GPU fills the other.
  const Buffer *filled = nullptr;
  size_t filled_at = 0;
  size_t filled_bytes = 0;
  const auto empty = [&] {
    if (filled == nullptr) return;
    filled->copied.synchronize();
    std::memcpy(static_cast<char *>(host) + filled_at, filled->memory, filled_bytes);
  };
  for (size_t at = 0; at < bytes; at += buffer_bytes_) {
    const size_t piece = std::min(buffer_bytes_, bytes - at);
    const Buffer &buffer = next();
    check(cudaMemcpyAsync(buffer.memory, static_cast<const char *>(device) + at, piece, cudaMemcpyDeviceToHost, stream),
          "copying from the GPU");
    buffer.copied.record(stream);
    empty();
    filled = &buffer;
    filled_at = at;
    filled_bytes = piece;
  }
  empty();
}

}  // namespace ner_retriever::cuda
