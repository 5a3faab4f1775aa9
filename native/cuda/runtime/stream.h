#pragma once

#include <cuda_runtime.h>

#include "cuda_error.h"

namespace ner_retriever::cuda {

// What is queued in one stream is done in order; streams go on beside each other.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  operator cudaStream_t() const { return stream_; }

  // The host waits until all of it is done.
  void synchronize() const { check(cudaStreamSynchronize(stream_), "waiting for the GPU"); }

 private:
  cudaStream_t stream_ = nullptr;
};

// A point in a stream that another stream or the host can wait for. Before the first record(), there is nothing to wait for.
class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event &) = delete;
  Event &operator=(const Event &) = delete;

  void record(cudaStream_t stream) const { check(cudaEventRecord(event_, stream), "marking a point in a stream"); }
  // What is queued in `stream` after this begins after the point that was last recorded.
  void hold_back(cudaStream_t stream) const { check(cudaStreamWaitEvent(stream, event_, 0), "ordering two streams"); }
  // The host waits.
  void synchronize() const { check(cudaEventSynchronize(event_), "waiting for the GPU"); }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace ner_retriever::cuda
