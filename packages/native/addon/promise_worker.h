#pragma once

#include <napi.h>

#include "ner_retriever/status.h"

// One operation off the event loop, answered by a promise. A subclass holds what it works on: references to the arrays
// (so that they are not collected meanwhile) and shared ownership of the native object.
class PromiseWorker : public Napi::AsyncWorker {
 public:
  explicit PromiseWorker(Napi::Env env) : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}

  // Starts `worker`, which deletes itself when it is done.
  static Napi::Value start(PromiseWorker *worker) {
    const Napi::Value promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  // On a thread of the pool: no JavaScript here.
  virtual ner_status run() noexcept = 0;
  // Back on the event loop.
  virtual Napi::Value result() = 0;
  // On the event loop, where run() failed: what callers may ask of the error beside its words.
  virtual void describe(Napi::Object) {}

 private:
  void Execute() final {
    status_ = run();
    // The words belong to this thread: take them along.
    if (status_ != NER_OK) SetError(ner_last_error());
  }

  // A worker thread that is terminated while the operation runs gets here when no JavaScript may run any more, and
  // every call throws. There is nobody left to tell; letting the exception out would end the whole process.
  void OnOK() final {
    try {
      deferred_.Resolve(result());
    } catch (const Napi::Error &) {
    }
  }

  void OnError(const Napi::Error &error) final {
    try {
      const Napi::Value reason = status_ == NER_INVALID_ARGUMENT
                                     ? Napi::RangeError::New(Env(), error.Message()).Value()
                                     : error.Value();
      if (status_ == NER_OUT_OF_MEMORY) reason.As<Napi::Object>().Set("code", "OUT_OF_MEMORY");
      describe(reason.As<Napi::Object>());
      deferred_.Reject(reason);
    } catch (const Napi::Error &) {
    }
  }

  Napi::Promise::Deferred deferred_;
  ner_status status_ = NER_OK;
};
