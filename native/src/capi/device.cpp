#include "leno/device.h"

#include <algorithm>
#include <cstring>

#include "capi/guard.h"
#include "capi/handles.h"

using leno::CpuDevice;
using leno::CudaContext;
using leno::CudaDevice;
using leno::CudaInfo;
using leno::Isa;
using leno::kMaxThreads;
using leno::require;
using leno::capi::guard;
using leno::capi::require_cpu;
using leno::capi::require_cuda;
using leno::capi::require_not_null;

namespace {

bool is_isa(int isa) {
  switch (isa) {
    case LENO_ISA_PORTABLE:
    case LENO_ISA_AVX2:
    case LENO_ISA_AVX512:
    case LENO_ISA_AVX512_DOT:
    case LENO_ISA_AMX:
      return true;
    default:
      return false;
  }
}

bool is_cpu(leno_device device) { return leno_device_kind(device) == LENO_DEVICE_CPU; }

// No forward may run while a context is changed.
class Entered {
 public:
  explicit Entered(leno_context context) : context_(*context->context) {
    require(context_.try_enter(), LENO_ERR_INVALID_STATE,
            "context is in use by another forward, expected one that is free");
  }
  ~Entered() { context_.leave(); }

 private:
  leno::Context& context_;
};

CudaContext* cuda_context(leno_context context) {
  if (context == nullptr || context->device->kind() != leno::Device::Kind::cuda) return nullptr;
  return static_cast<CudaContext*>(context->context.get());
}

}  // namespace

int leno_isa_supported(int isa) { return is_isa(isa) && leno::isa_supported(static_cast<Isa>(isa)); }

const char* leno_isa_name(int isa) {
  if (isa == LENO_ISA_AUTO) return "auto";
  return is_isa(isa) ? leno::isa_name(static_cast<Isa>(isa)) : "unknown";
}

const char* leno_isa_refusal(int isa) {
  if (isa == LENO_ISA_AUTO) return "";
  return is_isa(isa) ? leno::isa_refusal(static_cast<Isa>(isa)) : "unknown instruction set";
}

const char* leno_cpu_name(void) { return leno::cpu_name(); }

int leno_cuda_built(void) { return LENO_CUDA_BUILT; }

const char* leno_cuda_refusal(void) {
  try {
    return leno::cuda::driver_refusal().c_str();
  } catch (...) {
    return "the driver could not be loaded: out of memory";
  }
}

int leno_cuda_device_count(int* count) {
  return guard(__func__, [&] {
    require_not_null(count, "count");
    *count = leno::cuda::driver_refusal().empty() ? leno::cuda::driver().devices : 0;
  });
}

int leno_device_create_cpu(int threads, int isa, leno_device* out) {
  return guard(__func__, [&] {
    require_not_null(out, "out");
    require(threads >= 1 && threads <= kMaxThreads, LENO_ERR_INVALID_ARGUMENT, "threads is ", threads,
            ", expected 1 .. ", kMaxThreads);
    require(isa == LENO_ISA_AUTO || is_isa(isa), LENO_ERR_INVALID_ARGUMENT, "isa is ", isa,
            ", expected a LENO_ISA_ number");
    const Isa chosen = isa == LENO_ISA_AUTO ? leno::best_isa() : static_cast<Isa>(isa);
    require(leno::isa_supported(chosen), LENO_ERR_UNSUPPORTED, "isa is ", leno::isa_name(chosen), ", but ",
            leno::isa_refusal(chosen));
    *out = new leno_device_s{std::make_shared<CpuDevice>(threads, chosen)};
  });
}

int leno_device_create_cuda(int ordinal, leno_device* out) {
  return guard(__func__, [&] {
    require_not_null(out, "out");
    *out = new leno_device_s{CudaDevice::open(ordinal)};
  });
}

void leno_device_destroy(leno_device device) { delete device; }

int leno_device_kind(leno_device device) { return device == nullptr ? 0 : static_cast<int>(device->device->kind()); }

int leno_device_threads(leno_device device) { return is_cpu(device) ? require_cpu(device).threads() : 0; }

int leno_device_isa(leno_device device) { return is_cpu(device) ? static_cast<int>(require_cpu(device).isa()) : 0; }

int leno_device_cuda_info(leno_device device, leno_cuda_info* info) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(info, "info");
    require(info->struct_size == sizeof(leno_cuda_info), LENO_ERR_INVALID_ARGUMENT, "info->struct_size is ",
            info->struct_size, ", expected ", sizeof(leno_cuda_info));
    const CudaInfo& known = require_cuda(device)->info();
    info->ordinal = known.ordinal;
    info->arch = known.arch;
    info->multiprocessors = known.multiprocessors;
    info->total_bytes = known.total_bytes;
    info->l2_bytes = known.l2_bytes;
    info->shared_bytes = known.shared_bytes;
    info->driver_version = leno::cuda::driver().version;
    std::memset(info->name, 0, sizeof info->name);
    std::memcpy(info->name, known.name.data(), std::min(known.name.size(), sizeof info->name - 1));
  });
}

int leno_device_memory(leno_device device, int64_t* free_bytes, int64_t* total_bytes) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(free_bytes, "free_bytes");
    require_not_null(total_bytes, "total_bytes");
    const CudaDevice::Memory memory = require_cuda(device)->memory();
    *free_bytes = memory.free;
    *total_bytes = memory.total;
  });
}

int leno_device_lost(leno_device device, int* lost) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(lost, "lost");
    *lost = !is_cpu(device) && require_cuda(device)->lost();
  });
}

int leno_device_synchronize(leno_device device) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    device->device->synchronize();
  });
}

int leno_context_create(leno_device device, leno_context* out) {
  return guard(__func__, [&] {
    require_not_null(device, "device");
    require_not_null(out, "out");
    *out = new leno_context_s{device->device, device->device->new_context()};
  });
}

void leno_context_destroy(leno_context context) { delete context; }

int leno_context_reserve(leno_context context, int64_t bytes) {
  return guard(__func__, [&] {
    require_not_null(context, "context");
    require(bytes >= 0 && bytes <= (int64_t{1} << 40), LENO_ERR_INVALID_ARGUMENT, "bytes is ", bytes,
            ", expected 0 .. 2^40");
    const Entered entered(context);
    context->context->reserve(bytes);
  });
}

int64_t leno_context_capacity(leno_context context) { return context == nullptr ? 0 : context->context->capacity(); }

int leno_context_set_stream(leno_context context, leno_stream stream) {
  return guard(__func__, [&] {
    require_not_null(context, "context");
    CudaContext* cuda = cuda_context(context);
    require(cuda != nullptr, LENO_ERR_INVALID_ARGUMENT, "context is of the CPU, expected one of a CUDA device");
    const Entered entered(context);
    cuda->set_stream(stream == nullptr ? nullptr : stream->stream);
  });
}

void* leno_context_stream(leno_context context) {
  const CudaContext* cuda = cuda_context(context);
  return cuda == nullptr ? nullptr : cuda->stream();
}

int leno_context_synchronize(leno_context context) {
  return guard(__func__, [&] {
    require_not_null(context, "context");
    context->context->synchronize();
  });
}
