#include "machine.h"

#include <cstdlib>
#include <cstring>

#include "control.h"

namespace leno::simt {
namespace {

int64_t number(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoll(text, nullptr, 10);
}

uint32_t shared_bytes(int arch) {
  if (arch < 80) return 64 << 10;
  if (arch == 80 || arch == 87) return 163 << 10;
  return arch < 90 ? 99 << 10 : 227 << 10;
}

CUresult attribute(CUdevice_attribute which, int* value) {
  const int arch = machine().arch;
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 8;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
      *value = 4 << 20;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = arch / 10;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
      *value = arch % 10;
      return CUDA_SUCCESS;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
      *value = static_cast<int>(shared_bytes(arch));
      return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

bool is_device(CUdevice device) { return device >= 0 && device < static_cast<int>(machine().contexts.size()); }

}  // namespace

// Never destroyed: what tests leave to the end of the process may still come here.
Machine& machine() {
  static Machine& one = *new Machine();
  return one;
}

std::vector<Context*>& current_stack() {
  static thread_local std::vector<Context*> stack;
  return stack;
}

CUresult misuse(const std::string& what, CUresult result) {
  machine().report = "misuse of the driver: " + what;
  return result;
}

}  // namespace leno::simt

namespace leno::cuda {

using namespace leno::simt;

CUresult cuInit(unsigned flags) {
  return api("cuInit", [&] {
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    Machine& m = machine();
    const int64_t devices = number("LENO_SIMT_DEVICES", 2);
    if (devices == 0) return CUDA_ERROR_NO_DEVICE;
    if (m.started) return CUDA_SUCCESS;
    m.arch = static_cast<int>(number("LENO_SIMT_ARCH", 90));
    m.prompt = number("LENO_SIMT_PROMPT", 0) != 0;
    m.memory_bytes = static_cast<size_t>(number("LENO_SIMT_MEMORY", int64_t{1} << 30));
    m.contexts = std::vector<Context>(static_cast<size_t>(devices));
    for (size_t i = 0; i < m.contexts.size(); ++i) m.contexts[i].ordinal = static_cast<int>(i);
    m.started = true;
    return CUDA_SUCCESS;
  });
}

CUresult cuDriverGetVersion(int* version) {
  return api("cuDriverGetVersion", [&] {
    *version = static_cast<int>(number("LENO_SIMT_VERSION", 13000));
    return CUDA_SUCCESS;
  });
}

CUresult cuGetErrorName(CUresult error, const char** name) {
  switch (error) {
#define LENO_SIMT_NAME(error) \
  case error:                 \
    *name = #error;           \
    return CUDA_SUCCESS;
    LENO_SIMT_NAME(CUDA_SUCCESS)
    LENO_SIMT_NAME(CUDA_ERROR_INVALID_VALUE)
    LENO_SIMT_NAME(CUDA_ERROR_OUT_OF_MEMORY)
    LENO_SIMT_NAME(CUDA_ERROR_NOT_INITIALIZED)
    LENO_SIMT_NAME(CUDA_ERROR_INVALID_CONTEXT)
    LENO_SIMT_NAME(CUDA_ERROR_INVALID_HANDLE)
    LENO_SIMT_NAME(CUDA_ERROR_NOT_FOUND)
    LENO_SIMT_NAME(CUDA_ERROR_ILLEGAL_ADDRESS)
    LENO_SIMT_NAME(CUDA_ERROR_LAUNCH_FAILED)
    LENO_SIMT_NAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)
    LENO_SIMT_NAME(CUDA_ERROR_INVALID_CLUSTER_SIZE)
    LENO_SIMT_NAME(CUDA_ERROR_ECC_UNCORRECTABLE)
    LENO_SIMT_NAME(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
    LENO_SIMT_NAME(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
    LENO_SIMT_NAME(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT)
    LENO_SIMT_NAME(CUDA_ERROR_CAPTURED_EVENT)
#undef LENO_SIMT_NAME
    default:
      *name = nullptr;
      return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuGetErrorString(CUresult error, const char** words) {
  const std::lock_guard lock(machine().mutex);
  thread_local std::string text;
  const char* name = nullptr;
  if (cuGetErrorName(error, &name) != CUDA_SUCCESS) {
    *words = nullptr;
    return CUDA_ERROR_INVALID_VALUE;
  }
  text = std::string("as emulated") + (machine().report.empty() ? "" : ", " + machine().report);
  *words = text.c_str();
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  return started("cuDeviceGetCount", [&] {
    *count = static_cast<int>(machine().contexts.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return started("cuDeviceGet", [&] {
    if (!is_device(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char* name, int bytes, CUdevice device) {
  return started("cuDeviceGetName", [&] {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    const std::string text = "Emulated card sm_" + std::to_string(machine().arch);
    std::strncpy(name, text.c_str(), static_cast<size_t>(bytes));
    name[bytes - 1] = '\0';
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice device) {
  return started("cuDeviceGetAttribute",
                 [&] { return is_device(device) ? attribute(which, value) : CUDA_ERROR_INVALID_DEVICE; });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  return started("cuDeviceTotalMem_v2", [&] {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = machine().memory_bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* handle, CUdevice device) {
  return started("cuDevicePrimaryCtxRetain", [&] {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    Context& context = machine().contexts[static_cast<size_t>(device)];
    if (context.retained++ == 0) context.streams.push_back({&context, true, {}, nullptr, nullptr});
    *handle = reinterpret_cast<CUcontext>(&context);
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return started("cuDevicePrimaryCtxRelease_v2", [&] {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    Context& context = machine().contexts[static_cast<size_t>(device)];
    if (context.retained == 0) return misuse("a context is released too often", CUDA_ERROR_INVALID_CONTEXT);
    if (--context.retained > 0) return CUDA_SUCCESS;
    free_allocations(context);
    // Nobody waits for it any more, streams of other cards neither.
    for (Stream& s : context.streams) {
      for (Work& w : s.queue) w.done->reached = true;
    }
    const int ordinal = context.ordinal;
    context = Context();
    context.ordinal = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext* handle) {
  return started("cuCtxGetCurrent", [&] {
    *handle = current_stack().empty() ? nullptr : reinterpret_cast<CUcontext>(current_stack().back());
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return started("cuCtxPushCurrent_v2", [&] {
    auto* context = reinterpret_cast<Context*>(handle);
    if (context == nullptr || context->retained == 0) {
      return misuse("a released context is made current", CUDA_ERROR_INVALID_CONTEXT);
    }
    current_stack().push_back(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent_v2(CUcontext* handle) {
  return started("cuCtxPopCurrent_v2", [&] {
    if (current_stack().empty()) return CUDA_ERROR_INVALID_CONTEXT;
    *handle = reinterpret_cast<CUcontext>(current_stack().back());
    current_stack().pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return in_context("cuCtxSynchronize", [&](Context& context) {
    if (has_capture(context)) {
      for (Stream& s : context.streams) invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    const CUresult result = finish_all(context);
    return result != CUDA_SUCCESS ? result : check_guards(context);
  });
}

}  // namespace leno::cuda
