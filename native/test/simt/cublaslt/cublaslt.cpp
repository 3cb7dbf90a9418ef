// What the library uses of cuBLASLt, on the emulated driver: a plain product in fp64, rounded once. It checks that it
// is called as cuBLASLt's header demands.
#include "core/cuda/cublaslt.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "driver/control_client.h"
#include "kernels/number.h"

namespace {

using namespace leno::cuda;
using leno::DType;
using leno_test::driver_function;

constexpr int kSuccess = 0, kInvalid = 7;

struct Layout {
  int64_t type, rows, columns, ld;
};
struct Description {
  int64_t transposed_a, transposed_b, compute, scale, epilogue;
  const void* bias;
};

// Of the four alignments, less 256, so that zeros are a preference too.
struct Least {
  int64_t alignment;
};

template <class Value, class Opaque>
Value& as(Opaque* opaque) {
  static_assert(sizeof(Value) <= sizeof(Opaque));
  return *reinterpret_cast<Value*>(opaque);
}

struct Matrix {
  const Layout& layout;
  DType type;
  std::vector<uint8_t> bytes;

  Matrix(const Layout& l, const void* device, CUstream stream)
      : layout(l),
        type(l.type == CUDA_R_32F    ? DType::f32
             : l.type == CUDA_R_16BF ? DType::bf16
                                     : DType::f16) {
    bytes.resize(static_cast<size_t>(((l.columns - 1) * l.ld + l.rows) * size_of(type)));
    using Copy = CUresult(void*, CUdeviceptr, size_t, CUstream);
    driver_function<Copy>("cuMemcpyDtoHAsync_v2")(bytes.data(), reinterpret_cast<CUdeviceptr>(device), bytes.size(),
                                                  stream);
    driver_function<CUresult(CUstream)>("cuStreamSynchronize")(stream);
  }
  size_t at(int64_t row, int64_t column) const {
    return static_cast<size_t>((column * layout.ld + row) * size_of(type));
  }
  double operator()(int64_t row, int64_t column) const {
    uint32_t bits = 0;
    std::memcpy(&bits, &bytes[at(row, column)], static_cast<size_t>(size_of(type)));
    return leno_test::decode(type, bits);
  }
  void set(int64_t row, int64_t column, double value) {
    const uint32_t bits = leno_test::encode(type, value);
    std::memcpy(&bytes[at(row, column)], &bits, static_cast<size_t>(size_of(type)));
  }
};

}  // namespace

extern "C" {

size_t cublasLtGetVersion() { return 130000; }

int cublasLtCreate(CublasLtHandle* handle) {
  CUcontext current = nullptr;
  driver_function<CUresult(CUcontext*)>("cuCtxGetCurrent")(&current);
  if (current == nullptr) return kInvalid;
  *handle = reinterpret_cast<CublasLtHandle>(current);
  return kSuccess;
}

int cublasLtMatmulDescInit_internal(CublasLtDescription* description, size_t size, int compute, int scale) {
  if (size != sizeof(CublasLtDescription)) return kInvalid;
  as<Description>(description) = {0, 0, compute, scale, CUBLASLT_EPILOGUE_DEFAULT, nullptr};
  return kSuccess;
}

int cublasLtMatmulDescSetAttribute(CublasLtDescription* description, int attribute, const void* value, size_t size) {
  if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER) {
    if (size != sizeof(void*)) return kInvalid;
    std::memcpy(&as<Description>(description).bias, value, size);
    return kSuccess;
  }
  if (size != sizeof(int)) return kInvalid;
  int operation;
  std::memcpy(&operation, value, size);
  if (attribute == CUBLASLT_MATMUL_DESC_TRANSA) as<Description>(description).transposed_a = operation;
  if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE) as<Description>(description).epilogue = operation;
  if (attribute == CUBLASLT_MATMUL_DESC_TRANSB) as<Description>(description).transposed_b = operation;
  return kSuccess;
}

int cublasLtMatrixLayoutInit_internal(CublasLtLayout* layout, size_t size, int type, uint64_t rows, uint64_t columns,
                                      int64_t ld) {
  if (size != sizeof(CublasLtLayout) || ld < static_cast<int64_t>(rows)) return kInvalid;
  as<Layout>(layout) = {type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ld};
  return kSuccess;
}

int cublasLtMatmulPreferenceInit_internal(CublasLtPreference* preference, size_t size) {
  *preference = {};
  return size == sizeof(CublasLtPreference) ? kSuccess : kInvalid;
}

int cublasLtMatmulPreferenceSetAttribute(CublasLtPreference* preference, int attribute, const void* value,
                                         size_t size) {
  if (attribute >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES && size == 4) {
    uint32_t bytes;
    std::memcpy(&bytes, value, size);
    as<Least>(preference).alignment = std::min(as<Least>(preference).alignment, int64_t{bytes} - 256);
  }
  return size == (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8u : 4u) ? kSuccess : kInvalid;
}

int cublasLtMatmulAlgoGetHeuristic(CublasLtHandle, CublasLtDescription*, CublasLtLayout*, CublasLtLayout*,
                                   CublasLtLayout*, CublasLtLayout*, CublasLtPreference* preference, int requested,
                                   CublasLtHeuristic* results, int* found) {
  if (requested != 1) return kInvalid;
  // As the real one may: nothing for operands that are aligned to fewer bytes.
  const char* least = std::getenv("LENO_SIMT_CUBLASLT_ALIGNMENT");
  if (least != nullptr && as<Least>(preference).alignment + 256 < std::atoi(least)) {
    *found = 0;
    return kSuccess;
  }
  results[0] = {};
  results[0].algorithm.opaque[0] = 17;
  *found = 1;
  return kSuccess;
}

int cublasLtMatmul(CublasLtHandle handle, CublasLtDescription* description, const void* alpha, const void* a,
                   CublasLtLayout* a_layout, const void* b, CublasLtLayout* b_layout, const void* beta, const void* c,
                   CublasLtLayout* c_layout, void* d, CublasLtLayout* d_layout, const CublasLtAlgorithm* algorithm,
                   void* workspace, size_t, CUstream stream) {
  const Description& what = as<Description>(description);
  const Layout &la = as<Layout>(a_layout), &lb = as<Layout>(b_layout), &ld = as<Layout>(d_layout);
  const int64_t m = what.transposed_a ? la.columns : la.rows, k = what.transposed_a ? la.rows : la.columns;
  const int64_t n = what.transposed_b ? lb.rows : lb.columns;
  CUcontext current = nullptr;
  driver_function<CUresult(CUcontext*)>("cuCtxGetCurrent")(&current);
  if (algorithm->opaque[0] != 17 || handle != reinterpret_cast<CublasLtHandle>(current) || workspace == nullptr ||
      what.compute != CUBLAS_COMPUTE_32F || what.scale != CUDA_R_32F || m != ld.rows || n != ld.columns ||
      k != (what.transposed_b ? lb.columns : lb.rows) || la.type == CUDA_R_32F || la.type != lb.type ||
      as<Layout>(c_layout).type != ld.type || (ld.type != la.type && ld.type != CUDA_R_32F)) {
    return kInvalid;
  }
  if (const char* status = std::getenv("LENO_SIMT_CUBLASLT_STATUS")) return std::atoi(status);
  const bool with_bias = what.epilogue & CUBLASLT_EPILOGUE_BIAS;
  if (with_bias && (what.bias == nullptr || reinterpret_cast<uintptr_t>(what.bias) % 16 != 0)) return kInvalid;
  // Of D's type, one for each of its rows.
  const Layout of_bias{ld.type, with_bias ? m : 1, 1, m};
  const Matrix bias(of_bias, with_bias ? what.bias : c, stream);
  const Matrix left(la, a, stream), right(lb, b, stream), added(as<Layout>(c_layout), c, stream);
  Matrix result(ld, d, stream);
  const float of_product = *static_cast<const float*>(alpha), of_c = *static_cast<const float*>(beta);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l) {
        sum += (what.transposed_a ? left(l, i) : left(i, l)) * (what.transposed_b ? right(j, l) : right(l, j));
      }
      sum = of_product * sum + (of_c == 0 ? 0 : of_c * added(i, j));
      if (with_bias) sum += bias(i, 0);
      if (what.epilogue & CUBLASLT_EPILOGUE_RELU) sum = std::max(sum, 0.);
      if (what.epilogue & CUBLASLT_EPILOGUE_GELU) {
        sum = sum / 2 * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (sum + 0.044715 * sum * sum * sum)));
      }
      result.set(i, j, sum);
    }
  }
  using Copy = CUresult(CUdeviceptr, const void*, size_t, CUstream);
  driver_function<Copy>("cuMemcpyHtoDAsync_v2")(reinterpret_cast<CUdeviceptr>(d), result.bytes.data(),
                                                result.bytes.size(), stream);
  driver_function<CUresult(CUstream)>("cuStreamSynchronize")(stream);
  return kSuccess;
}

}  // extern "C"
