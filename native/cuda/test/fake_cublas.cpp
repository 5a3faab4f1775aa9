// A stand-in for cuBLAS: the few functions that the library asks for, with cublasGemmEx as its documentation says it for any
// strides and transpositions, on the memory that the emulated device keeps in the host's. It is for what can go wrong
// between us and cuBLAS: names, types, the order of calls and of arguments. It says nothing of cuBLAS itself.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace {

struct Handle {
  void *stream;
  void *workspace;
  int math_mode;
};

int live_handles = 0;
int products = 0;
bool uneven = false;
bool unfit = false;

// The sum of one element is cut at `cut`, and its parts added, as kernels do that share a sum.
float sum_of(const uint16_t *a, long a_step, const uint16_t *b, long b_step, int k, int cut) {
  float parts[2] = {0.0f, 0.0f};
  for (int i = 0; i < k; ++i) {
    const uint32_t bits[2] = {static_cast<uint32_t>(a[i * a_step]) << 16, static_cast<uint32_t>(b[i * b_step]) << 16};
    float values[2];
    std::memcpy(values, bits, sizeof values);
    parts[i < cut ? 0 : 1] += values[0] * values[1];
  }
  return parts[0] + parts[1];
}

}  // namespace

// For the test, which opens this library too.
EXPORTED int fake_cublas_live_handles() { return live_handles; }
EXPORTED int fake_cublas_products() { return products; }
// Whether a row's sums depend on its place.
EXPORTED void fake_cublas_set_uneven(int value) { uneven = value != 0; }

// Whether it cannot work on this device.
EXPORTED void fake_cublas_set_unfit(int value) { unfit = value != 0; }

EXPORTED int cublasCreate_v2(Handle **handle) {
  if (unfit) return 8;
  *handle = new Handle{nullptr, nullptr, -1};
  ++live_handles;
  return 0;
}

EXPORTED int cublasDestroy_v2(Handle *handle) {
  delete handle;
  --live_handles;
  return 0;
}

EXPORTED int cublasGetProperty(int which, int *value) {
  if (which < 0 || which > 2) return 7;
  *value = which == 0 ? 13 : which;
  return 0;
}

EXPORTED int cublasSetStream_v2(Handle *handle, void *stream) {
  handle->stream = stream;
  handle->workspace = nullptr;  // cuBLAS goes back to its own
  return 0;
}

EXPORTED int cublasSetWorkspace_v2(Handle *handle, void *workspace, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0 || bytes == 0) return 7;
  handle->workspace = workspace;
  return 0;
}

EXPORTED int cublasSetMathMode(Handle *handle, int mode) {
  handle->math_mode = mode;
  return 0;
}

EXPORTED int cublasGemmEx(Handle *handle, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha,
                          const void *a, int a_type, int a_stride, const void *b, int b_type, int b_stride, const void *beta,
                          void *c, int c_type, int c_stride, int compute_type, int algorithm) {
  constexpr int bfloat16 = 14;
  constexpr int float32 = 0;
  if (handle->stream == nullptr || handle->workspace == nullptr || handle->math_mode != 16) return 1;
  if (a_type != bfloat16 || b_type != bfloat16 || c_type != float32 || compute_type != 68 || algorithm != -1) return 15;
  if (transpose_a < 0 || transpose_a > 1 || transpose_b < 0 || transpose_b > 1) return 7;
  if (a_stride < (transpose_a == 0 ? m : k) || b_stride < (transpose_b == 0 ? k : n) || c_stride < m) return 7;
  ++products;
  const float scale = *static_cast<const float *>(alpha);
  const float keep = *static_cast<const float *>(beta);
  for (int column = 0; column < n; ++column)
    for (int row = 0; row < m; ++row) {
      // Element (i, j) of a matrix lies at i + j * stride.
      const auto *from_a = static_cast<const uint16_t *>(a) + (transpose_a == 0 ? row : static_cast<long>(row) * a_stride);
      const auto *from_b =
          static_cast<const uint16_t *>(b) + (transpose_b == 0 ? static_cast<long>(column) * b_stride : column);
      const float sum = sum_of(from_a, transpose_a == 0 ? a_stride : 1, from_b, transpose_b == 0 ? 1 : b_stride, k,
                               uneven && column > n / 2 ? k / 3 : 0);
      float *to = static_cast<float *>(c) + row + static_cast<long>(column) * c_stride;
      *to = scale * sum + (keep == 0.0f ? 0.0f : keep * *to);
    }
  return 0;
}
