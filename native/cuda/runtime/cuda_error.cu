#include "cuda_error.h"

namespace ner_retriever::cuda {

namespace {

ner_status status_of(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return NER_OUT_OF_MEMORY;
    case cudaErrorInsufficientDriver:
    case cudaErrorDevicesUnavailable:
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
      return NER_UNAVAILABLE;
    default:
      return NER_FAILED;
  }
}

std::string words_of(cudaError_t error, const char *doing) {
  std::string words = std::string(doing) + ": " + cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ")";
  if (is_sticky(error))
    words += ". The GPU cannot be used again by this process: restart it, or go on with device \"cpu\"";
  return words;
}

}  // namespace

CudaError::CudaError(cudaError_t what, const char *doing) : Failure(status_of(what), words_of(what, doing)), error(what) {}

bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorContextIsDestroyed:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

void check(cudaError_t error, const char *doing) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // or the next call that asks would be told of this one
  throw CudaError(error, doing);
}

}  // namespace ner_retriever::cuda
