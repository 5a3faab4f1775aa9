#include "blas.h"

#include <dlfcn.h>

#include <memory>

#include "cuda_error.h"

// What is used of cuBLAS, with its types as they are in its binary interface: enumerations and cudaDataType are int, a handle
// is a pointer. The same in versions 12 and 13.

namespace ner_retriever::cuda {

namespace {

using Status = int;
constexpr Status success = 0;           // CUBLAS_STATUS_SUCCESS
constexpr Status not_initialized = 1;   // CUBLAS_STATUS_NOT_INITIALIZED: of cublasCreate also "no memory"
constexpr Status allocation_failed = 3; // CUBLAS_STATUS_ALLOC_FAILED

constexpr int major_version = 0;  // MAJOR_VERSION of libraryPropertyType
constexpr int minor_version = 1;  // MINOR_VERSION
constexpr int patch_level = 2;    // PATCH_LEVEL

constexpr int as_it_is = 0;       // CUBLAS_OP_N
constexpr int transposed = 1;     // CUBLAS_OP_T
constexpr int bfloat16 = 14;      // CUDA_R_16BF
constexpr int float32 = 0;        // CUDA_R_32F
constexpr int sum_float32 = 68;   // CUBLAS_COMPUTE_32F
constexpr int its_choice = -1;    // CUBLAS_GEMM_DEFAULT
constexpr int sums_stay_float32 = 16;  // CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION, with CUBLAS_DEFAULT_MATH

[[maybe_unused]] constexpr const char *usual_names[] = {"libcublas.so.13", "libcublas.so.12"};

// What cuBLAS recommends for Hopper; more than older generations need.
constexpr size_t workspace_bytes = size_t{32} << 20;

// From here on cuBLAS pays, where nobody asked for it. Per row and column of a layer of depth k it multiplies in 2 k / 700e12
// s, our kernel in 2 k / 400e12 (a guess, from others' measurements of mma.sync); but it leaves the sums in memory, for a second
// kernel to read: 8 more bytes, 1.5e-12 s at the second-level cache's 5.5 TB/s. The two meet at k = 700. Because a guess is a
// guess, and the products are then no longer the same bits on a machine without cuBLAS, it has to be clearly better.
constexpr size_t pays_from_depth = 2048;

}  // namespace

struct Blas::Functions {
  Status (*create)(void **handle);
  Status (*destroy)(void *handle);
  Status (*property)(int which, int *value);
  Status (*set_stream)(void *handle, cudaStream_t stream);
  Status (*set_workspace)(void *handle, void *workspace, size_t bytes);
  Status (*set_math_mode)(void *handle, int mode);
  Status (*gemm)(void *handle, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha, const void *a,
                 int a_type, int a_stride, const void *b, int b_type, int b_stride, const void *beta, void *c, int c_type,
                 int c_stride, int compute_type, int algorithm);
};

namespace {

void check_blas(Status status, const char *doing) {
  if (status == success) return;
  throw Failure(status == allocation_failed || status == not_initialized ? NER_OUT_OF_MEMORY : NER_FAILED,
                std::string(doing) + ": cuBLAS says " + std::to_string(status) + " (of cublasStatus_t)");
}

template <class Function>
bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// Local: its symbols stay out of the way of other libraries in the process. It stays open for the life of the process.
void *open_library(const char *path) {
  if (path != nullptr) return dlopen(path, RTLD_NOW | RTLD_LOCAL);
#if !defined(NER_RETRIEVER_CUDA_EMULATION)  // which has no GPU that the system's could work on
  for (const char *name : usual_names)
    if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
#endif
  return nullptr;
}

}  // namespace

Blas::Blas(const char *path, cudaStream_t stream, DeviceMemory &memory)
    : asked_by_path_(path != nullptr), stream_(stream), memory_(memory) {
  if (path != nullptr && path[0] == '\0') {
    description_ = "none: not wanted";
    return;
  }
  void *library = open_library(path);
  if (library == nullptr) {
    const char *reason = dlerror();
    description_ = path == nullptr ? "none: neither libcublas.so.13 nor libcublas.so.12 is here"
                                   : std::string("none: ") + (reason == nullptr ? path : reason);
    return;
  }
  auto functions = std::make_unique<Functions>();
  if (!find(library, "cublasCreate_v2", functions->create) || !find(library, "cublasDestroy_v2", functions->destroy) ||
      !find(library, "cublasGetProperty", functions->property) ||
      !find(library, "cublasSetStream_v2", functions->set_stream) ||
      !find(library, "cublasSetWorkspace_v2", functions->set_workspace) ||
      !find(library, "cublasSetMathMode", functions->set_math_mode) ||
      !find(library, "cublasGemmEx", functions->gemm)) {
    description_ = "none: the library found in cuBLAS's place is another one, or older than 12";
    dlclose(library);
    return;
  }
  int version[3] = {0, 0, 0};
  for (const int part : {major_version, minor_version, patch_level}) functions->property(part, &version[part]);
  description_ = "cuBLAS " + std::to_string(version[0]) + "." + std::to_string(version[1]) + "." + std::to_string(version[2]);
  functions_ = functions.release();  // for the life of the process, as the library is
}

Blas::~Blas() {
  if (handle_ != nullptr) functions_->destroy(handle_);
}

bool Blas::takes(size_t depth) const { return functions_ != nullptr && (asked_by_path_ || depth >= pays_from_depth); }

void Blas::open() {
  DeviceBuffer<unsigned char> workspace(memory_, workspace_bytes);
  void *made = nullptr;
  check_blas(functions_->create(&made), "opening cuBLAS");
  std::unique_ptr<void, Status (*)(void *)> handle(made, functions_->destroy);
  // In this order: another stream makes it forget the workspace. A workspace of its own makes its results repeatable.
  check_blas(functions_->set_stream(made, stream_), "giving cuBLAS a stream");
  check_blas(functions_->set_workspace(made, workspace.get(), workspace.bytes()), "giving cuBLAS memory");
  check_blas(functions_->set_math_mode(made, sums_stay_float32), "setting cuBLAS's precision");
  handle_ = handle.release();
  workspace_ = std::move(workspace);
}

void Blas::multiply(const __nv_bfloat16 *rows, size_t row_count, size_t depth, const __nv_bfloat16 *weight, size_t columns,
                    float *product) {
  if (handle_ == nullptr) open();
#if defined(NER_RETRIEVER_CUDA_EMULATION)
  // What stands in for cuBLAS there multiplies at once.
  check(cudaStreamSynchronize(stream_), "waiting for the GPU");
#endif
  // cuBLAS's matrices lie column by column. Seen so, ours are transposed: weight [depth, columns], rows [depth, row_count],
  // product [columns, row_count] = weight^T * rows.
  const float one = 1.0f;
  const float zero = 0.0f;
  const auto m = static_cast<int>(columns);
  const auto n = static_cast<int>(row_count);
  const auto k = static_cast<int>(depth);
  check_blas(functions_->gemm(handle_, transposed, as_it_is, m, n, k, &one, weight, bfloat16, k, rows, bfloat16, k, &zero,
                              product, float32, m, sum_float32, its_choice),
             "multiplying with cuBLAS");
}

}  // namespace ner_retriever::cuda
