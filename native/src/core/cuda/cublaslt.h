#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "core/cuda/driver_abi.h"

namespace leno {
class CudaDevice;
}

// The part of NVIDIA's cuBLASLt that the library uses where the machine has it: by the names and the layout that its
// versions 12 and 13 share.
namespace leno::cuda {

using CublasLtHandle = struct cublasLtContext*;

struct CublasLtDescription {
  uint64_t opaque[32];
};
struct CublasLtLayout {
  uint64_t opaque[8];
};
struct CublasLtPreference {
  uint64_t opaque[8];
};
struct CublasLtAlgorithm {
  uint64_t opaque[8];
};
struct CublasLtHeuristic {
  CublasLtAlgorithm algorithm;
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

constexpr int CUBLAS_COMPUTE_32F = 68;
constexpr int CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14;
constexpr int CUBLAS_OP_N = 0, CUBLAS_OP_T = 1;
constexpr int CUBLAS_STATUS_ALLOC_FAILED = 3;
constexpr int CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_TRANSB = 4, CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
              CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8;
constexpr uint32_t CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_RELU = 2, CUBLASLT_EPILOGUE_BIAS = 4,
                   CUBLASLT_EPILOGUE_GELU = 32;  // of a bias and an activation: the sum of the two
constexpr int CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5;

#define LENO_CUBLASLT_FUNCTIONS(X)                                                                                    \
  X(cublasLtGetVersion, size_t())                                                                                     \
  X(cublasLtCreate, int(CublasLtHandle*))                                                                             \
  X(cublasLtMatmulDescInit_internal, int(CublasLtDescription*, size_t, int, int))                                     \
  X(cublasLtMatmulDescSetAttribute, int(CublasLtDescription*, int, const void*, size_t))                              \
  X(cublasLtMatrixLayoutInit_internal, int(CublasLtLayout*, size_t, int, uint64_t, uint64_t, int64_t))                \
  X(cublasLtMatmulPreferenceInit_internal, int(CublasLtPreference*, size_t))                                          \
  X(cublasLtMatmulPreferenceSetAttribute, int(CublasLtPreference*, int, const void*, size_t))                         \
  X(cublasLtMatmulAlgoGetHeuristic,                                                                                   \
    int(CublasLtHandle, CublasLtDescription*, CublasLtLayout*, CublasLtLayout*, CublasLtLayout*, CublasLtLayout*,     \
        CublasLtPreference*, int, CublasLtHeuristic*, int*))                                                          \
  X(cublasLtMatmul, int(CublasLtHandle, CublasLtDescription*, const void*, const void*, CublasLtLayout*, const void*, \
                        CublasLtLayout*, const void*, const void*, CublasLtLayout*, void*, CublasLtLayout*,           \
                        const CublasLtAlgorithm*, void*, size_t, CUstream))

struct CublasLt {
#define LENO_CUBLASLT_MEMBER(name, ...) std::add_pointer_t<__VA_ARGS__> name = nullptr;
  LENO_CUBLASLT_FUNCTIONS(LENO_CUBLASLT_MEMBER)
#undef LENO_CUBLASLT_MEMBER
};

// Why the library cannot be used, "" where it can. It is looked for once in a process: libcublasLt.so.13 and .12 in the
// folders of LENO_CUDA_LIBRARIES (colons between them), then where the loader looks.
const std::string& cublaslt_refusal();

// Only where there is no refusal.
const CublasLt& cublaslt();

// The library's handle for a card, made at the first call, which takes a lock.
CublasLtHandle cublaslt_handle(const CudaDevice& device);

}  // namespace leno::cuda
