#include "core/cuda/pointers.h"

#include "core/cuda/device.h"

namespace leno::cuda {
namespace {

const void* pointer(uint64_t address) { return reinterpret_cast<const void*>(address); }

}  // namespace

MemoryRange query_range(const CudaDevice& device, const void* address) {
  device.require_usable();
  const CudaDevice::Current current(device);
  uint32_t type = 0;
  int32_t ordinal = -1;
  CUdeviceptr begin = 0;
  size_t bytes = 0;
  CUpointer_attribute attributes[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
                                      CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, CU_POINTER_ATTRIBUTE_RANGE_SIZE};
  void* values[] = {&type, &ordinal, &begin, &bytes};
  const CUresult result =
      driver().cuPointerGetAttributes(4, attributes, values, reinterpret_cast<CUdeviceptr>(address));
  if (result == CUDA_ERROR_INVALID_VALUE) return {};
  device.check(result, "cuPointerGetAttributes");
  // The driver gives NULL values for an address that it does not know.
  if (type == CU_MEMORYTYPE_HOST) return {MemoryKind::pinned, ordinal, begin, begin + bytes};
  if (type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED) {
    return {MemoryKind::device, ordinal, begin, begin + bytes};
  }
  return {};
}

bool PointerCheck::fresh() const { return releases_ == device_.releases(); }

void PointerCheck::ask(uint64_t begin, uint64_t bytes, const char* argument) {
  if (!fresh()) {
    releases_ = device_.releases();
    known_ = {};
  }
  MemoryRange all;
  // Memory may be mapped piece by piece into one stretch of addresses.
  for (uint64_t at = begin; at - begin < bytes; at = all.end) {
    const MemoryRange r = query_range(device_, pointer(at));
    const bool first = at == begin;
    require(r.kind != MemoryKind::unknown || !first, LENO_ERR_INVALID_ARGUMENT, argument, " is ", pointer(begin),
            ", an address of the host, expected one of device ", device_.info().ordinal);
    require(r.kind != MemoryKind::pinned || !first, LENO_ERR_INVALID_ARGUMENT, argument, " is ", pointer(begin),
            ", pinned memory of the host, expected memory of device ", device_.info().ordinal);
    require(r.ordinal == device_.info().ordinal || !first, LENO_ERR_INVALID_ARGUMENT, argument, " is ", pointer(begin),
            ", memory of device ", r.ordinal, ", expected memory of device ", device_.info().ordinal);
    const bool ours = r.kind == MemoryKind::device && r.ordinal == device_.info().ordinal && r.end > at;
    require(ours, LENO_ERR_INVALID_SHAPE, argument, " is ", pointer(begin), ", where the memory ends after ",
            at - begin, " bytes, expected ", bytes);
    if (first) all = r;
    all.end = r.end;
  }
  known_[next_] = all;
  next_ = (next_ + 1) % known_.size();
}

}  // namespace leno::cuda
