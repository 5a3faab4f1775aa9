#include <napi.h>

#include <cstdlib>
#include <memory>

#include "environment.h"
#include "operations.h"
#include "status.h"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  ner_instruction_set set;
  throw_on_failure(env, ner_instruction_set_choose(std::getenv("NER_RETRIEVER_INSTRUCTION_SET"), &set));
  env.SetInstanceData(new Environment{set});

  const auto add = [&](const char *name, Napi::Value (*operation)(const Napi::CallbackInfo &)) {
    exports.Set(name, Napi::Function::New(env, operation, name));
  };
  add("info", info);
  add("crc32c", crc32c);
  add("poolSpans", pool_spans);
  add("cudaLibrary", cuda_library);
  add("usePackagedCuda", use_packaged_cuda);
  add("cudaProbe", cuda_probe);
  add("cudaDeviceOpen", cuda_device_open);
  add("cudaDeviceDescribe", cuda_device_describe);
  add("cudaDeviceClose", cuda_device_close);
  add("projectionCreate", projection_create);
  add("projectionOutputDimensions", projection_output_dimensions);
  add("projectionRun", projection_run);
  add("projectionRunSync", projection_run_sync);
  add("projectionRunSpans", projection_run_spans);
  add("projectionRunSpansSync", projection_run_spans_sync);
  add("indexCreate", index_create);
  add("indexSize", index_size);
  add("indexAdd", index_add);
  add("indexSearch", index_search);
  add("segmentColumns", segment_columns);
  add("packRows", pack_rows);
  add("segmentIndexCreate", segment_index_create);
  add("segmentIndexMap", segment_index_map);
  add("segmentIndexDeviceFault", segment_index_device_fault);
  add("segmentIndexRows", segment_index_rows);
  add("segmentIndexBytes", segment_index_bytes);
  add("segmentIndexSearch", segment_index_search);
  add("segmentIndexRank", segment_index_rank);
  add("segmentIndexLocate", segment_index_locate);
  add("segmentIndexScores", segment_index_scores);
  add("segmentIndexVectors", segment_index_vectors);
  add("segmentIndexClose", segment_index_close);
  add("faissCreate", faiss_create);
  add("faissRead", faiss_read);
  add("faissWrite", faiss_write);
  add("faissInfo", faiss_info);
  add("faissTrain", faiss_train);
  add("faissAdd", faiss_add);
  add("faissSearch", faiss_search);
  add("faissDevices", faiss_devices);
  add("faissToDevice", faiss_to_device);
  add("faissToHost", faiss_to_host);
  add("trainerCreate", trainer_create);
  add("trainerGradients", trainer_gradients);
  add("trainerStep", trainer_step);
  add("trainerState", trainer_state);
  return exports;
}

}  // namespace

NODE_API_MODULE(ner_retriever, initialise)
