#pragma once

#include <cstddef>
#include <cstdint>

// The part of NVIDIA's driver API (cuda.h) that the library uses, by the names that libcuda.so.1 exports. Written down
// here so that the library builds, and loads, on machines that have nothing of CUDA.
namespace leno::cuda {

using CUdevice = int;
using CUdeviceptr = uint64_t;
using CUcontext = struct CUctx_st*;
using CUevent = struct CUevent_st*;
using CUfunction = struct CUfunc_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;
using CUmodule = struct CUmod_st*;
using CUstream = struct CUstream_st*;

enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_DEINITIALIZED = 4,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_ECC_UNCORRECTABLE = 214,
  CUDA_ERROR_NVLINK_UNCORRECTABLE = 220,
  CUDA_ERROR_CONTAINED = 226,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_TIMEOUT = 702,
  CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
  CUDA_ERROR_ASSERT = 710,
  CUDA_ERROR_HARDWARE_STACK_ERROR = 714,
  CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_INVALID_ADDRESS_SPACE = 717,
  CUDA_ERROR_INVALID_PC = 718,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_TENSOR_MEMORY_LEAK = 721,
  CUDA_ERROR_MPS_CLIENT_TERMINATED = 810,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
  CUDA_ERROR_CAPTURED_EVENT = 907,
  CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908,
  CUDA_ERROR_EXTERNAL_DEVICE = 911,
  CUDA_ERROR_INVALID_CLUSTER_SIZE = 912,
};

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE = 38,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
};
enum CUpointer_attribute : int {
  CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2,        // uint32_t
  CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9,     // int32_t
  CU_POINTER_ATTRIBUTE_RANGE_START_ADDR = 11,  // CUdeviceptr
  CU_POINTER_ATTRIBUTE_RANGE_SIZE = 12,        // size_t
};
enum CUmemorytype : uint32_t { CU_MEMORYTYPE_HOST = 1, CU_MEMORYTYPE_DEVICE = 2, CU_MEMORYTYPE_UNIFIED = 4 };
enum CUfunction_attribute : int {
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
  CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH = 11,
};
enum CUstreamCaptureMode : int { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1, CU_STREAM_CAPTURE_MODE_RELAXED = 2 };
enum CUstreamCaptureStatus : int { CU_STREAM_CAPTURE_STATUS_NONE = 0 };
constexpr unsigned CU_STREAM_NON_BLOCKING = 1;
constexpr unsigned CU_EVENT_DEFAULT = 0, CU_EVENT_DISABLE_TIMING = 2;
constexpr unsigned CU_MEMHOSTALLOC_PORTABLE = 1;

struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  CUstream hStream;
  struct CUlaunchAttribute_st* attrs;
  unsigned numAttrs;
};

// X(name, result(arguments))
#define LENO_CUDA_DRIVER_FUNCTIONS(X)                                                                          \
  X(cuInit, CUresult(unsigned))                                                                                \
  X(cuDriverGetVersion, CUresult(int*))                                                                        \
  X(cuGetErrorName, CUresult(CUresult, const char**))                                                          \
  X(cuGetErrorString, CUresult(CUresult, const char**))                                                        \
  X(cuDeviceGetCount, CUresult(int*))                                                                          \
  X(cuDeviceGet, CUresult(CUdevice*, int))                                                                     \
  X(cuDeviceGetName, CUresult(char*, int, CUdevice))                                                           \
  X(cuDeviceGetAttribute, CUresult(int*, CUdevice_attribute, CUdevice))                                        \
  X(cuDeviceTotalMem_v2, CUresult(size_t*, CUdevice))                                                          \
  X(cuDevicePrimaryCtxRetain, CUresult(CUcontext*, CUdevice))                                                  \
  X(cuDevicePrimaryCtxRelease_v2, CUresult(CUdevice))                                                          \
  X(cuCtxGetCurrent, CUresult(CUcontext*))                                                                     \
  X(cuCtxPushCurrent_v2, CUresult(CUcontext))                                                                  \
  X(cuCtxPopCurrent_v2, CUresult(CUcontext*))                                                                  \
  X(cuCtxSynchronize, CUresult())                                                                              \
  X(cuModuleLoadData, CUresult(CUmodule*, const void*))                                                        \
  X(cuModuleUnload, CUresult(CUmodule))                                                                        \
  X(cuModuleGetFunction, CUresult(CUfunction*, CUmodule, const char*))                                         \
  X(cuFuncLoad, CUresult(CUfunction))                                                                          \
  X(cuFuncGetAttribute, CUresult(int*, CUfunction_attribute, CUfunction))                                      \
  X(cuFuncSetAttribute, CUresult(CUfunction, CUfunction_attribute, int))                                       \
  X(cuOccupancyMaxActiveClusters, CUresult(int*, CUfunction, const CUlaunchConfig*))                           \
  X(cuLaunchKernel, CUresult(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, \
                             CUstream, void**, void**))                                                        \
  X(cuMemGetInfo_v2, CUresult(size_t*, size_t*))                                                               \
  X(cuMemAlloc_v2, CUresult(CUdeviceptr*, size_t))                                                             \
  X(cuMemFree_v2, CUresult(CUdeviceptr))                                                                       \
  X(cuMemHostAlloc, CUresult(void**, size_t, unsigned))                                                        \
  X(cuMemFreeHost, CUresult(void*))                                                                            \
  X(cuMemcpyHtoDAsync_v2, CUresult(CUdeviceptr, const void*, size_t, CUstream))                                \
  X(cuMemcpyDtoHAsync_v2, CUresult(void*, CUdeviceptr, size_t, CUstream))                                      \
  X(cuMemcpyDtoDAsync_v2, CUresult(CUdeviceptr, CUdeviceptr, size_t, CUstream))                                \
  X(cuMemcpyPeerAsync, CUresult(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream))             \
  X(cuMemsetD8Async, CUresult(CUdeviceptr, unsigned char, size_t, CUstream))                                   \
  X(cuPointerGetAttributes, CUresult(unsigned, CUpointer_attribute*, void**, CUdeviceptr))                     \
  X(cuStreamCreate, CUresult(CUstream*, unsigned))                                                             \
  X(cuStreamDestroy_v2, CUresult(CUstream))                                                                    \
  X(cuStreamGetCtx, CUresult(CUstream, CUcontext*))                                                            \
  X(cuStreamSynchronize, CUresult(CUstream))                                                                   \
  X(cuStreamQuery, CUresult(CUstream))                                                                         \
  X(cuStreamWaitEvent, CUresult(CUstream, CUevent, unsigned))                                                  \
  X(cuStreamIsCapturing, CUresult(CUstream, CUstreamCaptureStatus*))                                           \
  X(cuStreamBeginCapture_v2, CUresult(CUstream, CUstreamCaptureMode))                                          \
  X(cuStreamEndCapture, CUresult(CUstream, CUgraph*))                                                          \
  X(cuThreadExchangeStreamCaptureMode, CUresult(CUstreamCaptureMode*))                                         \
  X(cuEventCreate, CUresult(CUevent*, unsigned))                                                               \
  X(cuEventDestroy_v2, CUresult(CUevent))                                                                      \
  X(cuEventRecord, CUresult(CUevent, CUstream))                                                                \
  X(cuEventSynchronize, CUresult(CUevent))                                                                     \
  X(cuEventQuery, CUresult(CUevent))                                                                           \
  X(cuEventElapsedTime_v2, CUresult(float*, CUevent, CUevent))                                                 \
  X(cuGraphInstantiateWithFlags, CUresult(CUgraphExec*, CUgraph, unsigned long long))                          \
  X(cuGraphLaunch, CUresult(CUgraphExec, CUstream))                                                            \
  X(cuGraphDestroy, CUresult(CUgraph))                                                                         \
  X(cuGraphExecDestroy, CUresult(CUgraphExec))

}  // namespace leno::cuda
