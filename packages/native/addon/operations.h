#pragma once

#include <napi.h>

// Each in the file of its name; packages/native/src/addon.ts has their types and says what they do.
Napi::Value info(const Napi::CallbackInfo &info);
Napi::Value crc32c(const Napi::CallbackInfo &info);
Napi::Value pool_spans(const Napi::CallbackInfo &info);

Napi::Value cuda_library(const Napi::CallbackInfo &info);
Napi::Value use_packaged_cuda(const Napi::CallbackInfo &info);
Napi::Value cuda_probe(const Napi::CallbackInfo &info);
Napi::Value cuda_device_open(const Napi::CallbackInfo &info);
Napi::Value cuda_device_describe(const Napi::CallbackInfo &info);
Napi::Value cuda_device_close(const Napi::CallbackInfo &info);

Napi::Value projection_create(const Napi::CallbackInfo &info);
Napi::Value projection_output_dimensions(const Napi::CallbackInfo &info);
Napi::Value projection_run(const Napi::CallbackInfo &info);
Napi::Value projection_run_sync(const Napi::CallbackInfo &info);
Napi::Value projection_run_spans(const Napi::CallbackInfo &info);
Napi::Value projection_run_spans_sync(const Napi::CallbackInfo &info);

Napi::Value index_create(const Napi::CallbackInfo &info);
Napi::Value index_size(const Napi::CallbackInfo &info);
Napi::Value index_add(const Napi::CallbackInfo &info);
Napi::Value index_search(const Napi::CallbackInfo &info);

Napi::Value segment_columns(const Napi::CallbackInfo &info);
Napi::Value pack_rows(const Napi::CallbackInfo &info);
Napi::Value segment_index_create(const Napi::CallbackInfo &info);
Napi::Value segment_index_map(const Napi::CallbackInfo &info);
Napi::Value segment_index_device_fault(const Napi::CallbackInfo &info);
Napi::Value segment_index_rows(const Napi::CallbackInfo &info);
Napi::Value segment_index_bytes(const Napi::CallbackInfo &info);
Napi::Value segment_index_search(const Napi::CallbackInfo &info);
Napi::Value segment_index_rank(const Napi::CallbackInfo &info);
Napi::Value segment_index_locate(const Napi::CallbackInfo &info);
Napi::Value segment_index_scores(const Napi::CallbackInfo &info);
Napi::Value segment_index_vectors(const Napi::CallbackInfo &info);
Napi::Value segment_index_close(const Napi::CallbackInfo &info);
Napi::Value faiss_create(const Napi::CallbackInfo &info);
Napi::Value faiss_read(const Napi::CallbackInfo &info);
Napi::Value faiss_write(const Napi::CallbackInfo &info);
Napi::Value faiss_info(const Napi::CallbackInfo &info);
Napi::Value faiss_train(const Napi::CallbackInfo &info);
Napi::Value faiss_add(const Napi::CallbackInfo &info);
Napi::Value faiss_search(const Napi::CallbackInfo &info);
Napi::Value faiss_devices(const Napi::CallbackInfo &info);
Napi::Value faiss_to_device(const Napi::CallbackInfo &info);
Napi::Value faiss_to_host(const Napi::CallbackInfo &info);

Napi::Value trainer_create(const Napi::CallbackInfo &info);
Napi::Value trainer_gradients(const Napi::CallbackInfo &info);
Napi::Value trainer_step(const Napi::CallbackInfo &info);
Napi::Value trainer_state(const Napi::CallbackInfo &info);
