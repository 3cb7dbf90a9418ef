#include <algorithm>
#include <cstring>

#include "machine.h"

namespace leno::simt {
namespace {

constexpr size_t kGuard = 512;                   // before and behind; addresses are multiples of it
constexpr int kGuardByte = 0xa5, kFresh = 0xff;  // fresh memory is NaN in every format

bool is_guard(const std::byte* from, size_t bytes) {
  return std::all_of(from, from + bytes, [](std::byte b) { return b == std::byte{kGuardByte}; });
}

bool is_intact(const Allocation& a) {
  const auto* memory = reinterpret_cast<const std::byte*>(a.address);
  return is_guard(memory - kGuard, kGuard) && is_guard(memory + a.bytes, kGuard);
}

std::string describe(const Allocation& a) {
  return std::to_string(a.bytes) + " bytes of " + (a.pinned ? "pinned" : "device") + " memory at " +
         std::to_string(a.address);
}

uint64_t allocate(Context& context, size_t bytes, bool pinned) {
  Allocation a;
  a.context = &context;
  a.pinned = pinned;
  a.bytes = bytes;
  const size_t whole = bytes + 3 * kGuard;
  a.block = std::make_unique<std::byte[]>(whole);
  const auto start = reinterpret_cast<uint64_t>(a.block.get());
  a.address = (start + kGuard + kGuard - 1) / kGuard * kGuard;
  auto* memory = reinterpret_cast<std::byte*>(a.address);
  std::memset(a.block.get(), kGuardByte, whole);
  std::memset(memory, kFresh, bytes);
  const uint64_t address = a.address;
  machine().allocations.emplace(address, std::move(a));
  return address;
}

CUresult release(uint64_t address, bool pinned) {
  const auto found = machine().allocations.find(address);
  if (found == machine().allocations.end() || found->second.pinned != pinned) {
    return misuse("memory is freed that was not allocated, or twice", CUDA_ERROR_INVALID_VALUE);
  }
  const bool intact = is_intact(found->second);
  const std::string what = describe(found->second);
  if (!pinned) found->second.context->used -= found->second.bytes;
  machine().allocations.erase(found);
  if (intact) return CUDA_SUCCESS;
  return misuse("something wrote before or behind " + what, CUDA_ERROR_ILLEGAL_ADDRESS);
}

bool is_pinned(const void* host, size_t bytes) {
  const Allocation* a = allocation_of(reinterpret_cast<uint64_t>(host), bytes);
  return a != nullptr && a->pinned;
}

bool is_device(CUdeviceptr address, size_t bytes) {
  const Allocation* a = allocation_of(address, bytes);
  return a != nullptr && !a->pinned;
}

}  // namespace

Allocation* allocation_of(uint64_t address, size_t bytes) {
  auto after = machine().allocations.upper_bound(address);
  if (after == machine().allocations.begin()) return nullptr;
  Allocation& a = std::prev(after)->second;
  return address - a.address < a.bytes && bytes <= a.bytes - (address - a.address) ? &a : nullptr;
}

CUresult check_guards(Context& context) {
  for (const auto& [address, a] : machine().allocations) {
    if (a.context != &context || is_intact(a)) continue;
    context.lost = CUDA_ERROR_ILLEGAL_ADDRESS;
    return misuse("something wrote before or behind " + describe(a), CUDA_ERROR_ILLEGAL_ADDRESS);
  }
  return CUDA_SUCCESS;
}

void free_allocations(Context& context) {
  auto& all = machine().allocations;
  for (auto i = all.begin(); i != all.end();) i = i->second.context == &context ? all.erase(i) : std::next(i);
}

}  // namespace leno::simt

namespace leno::cuda {

using namespace leno::simt;

namespace {

// Puts a copy on a stream. Ranges are checked again when it is done: memory may have been freed until then.
template <class Good>
CUresult copy(const char* function, void* to, const void* from, size_t bytes, CUstream handle, Good&& good) {
  return in_context(function, [&](Context& context) {
    Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (!good()) return CUDA_ERROR_INVALID_VALUE;
    const bool from_pageable = allocation_of(reinterpret_cast<uint64_t>(from), bytes) == nullptr;
    const bool to_pageable = allocation_of(reinterpret_cast<uint64_t>(to), bytes) == nullptr;
    if (stream->capture != nullptr && (from_pageable || to_pageable)) {
      return invalidate(*stream, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
    std::vector<std::byte> staged;
    if (from_pageable) {
      staged.assign(static_cast<const std::byte*>(from), static_cast<const std::byte*>(from) + bytes);
    }
    const auto run = [=, staged = std::move(staged)] {
      if (!good()) return misuse("memory of a copy was freed before it was done", CUDA_ERROR_ILLEGAL_ADDRESS);
      std::memmove(to, staged.empty() ? from : staged.data(), bytes);
      return CUDA_SUCCESS;
    };
    const CUresult result = push(*stream, run);
    // To pageable memory the driver waits.
    return result == CUDA_SUCCESS && to_pageable ? finish(*stream) : result;
  });
}

}  // namespace

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  return in_context("cuMemGetInfo_v2", [&](Context& context) {
    *total = machine().memory_bytes;
    *free = machine().memory_bytes - context.used;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  return in_context("cuMemAlloc_v2", [&](Context& context) {
    if (const CUresult result = prohibited(context); result != CUDA_SUCCESS) return result;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (bytes > machine().memory_bytes - context.used) return CUDA_ERROR_OUT_OF_MEMORY;
    *address = allocate(context, bytes, false);
    context.used += bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return in_context("cuMemFree_v2", [&](Context& context) {
    const CUresult result = prohibited(context);
    return result != CUDA_SUCCESS ? result : release(address, false);
  });
}

CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  return in_context("cuMemHostAlloc", [&](Context& context) {
    if (const CUresult result = prohibited(context); result != CUDA_SUCCESS) return result;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (bytes > machine().memory_bytes) return CUDA_ERROR_OUT_OF_MEMORY;
    *address = reinterpret_cast<void*>(allocate(context, bytes, true));
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFreeHost(void* address) {
  return in_context("cuMemFreeHost", [&](Context& context) {
    const CUresult result = prohibited(context);
    return result != CUDA_SUCCESS ? result : release(reinterpret_cast<uint64_t>(address), true);
  });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  return copy("cuMemcpyHtoDAsync_v2", reinterpret_cast<void*>(to), from, bytes, stream, [=] {
    const bool known = allocation_of(reinterpret_cast<uint64_t>(from), 1) != nullptr;
    return is_device(to, bytes) && (!known || is_pinned(from, bytes));
  });
}

CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copy("cuMemcpyDtoHAsync_v2", to, reinterpret_cast<const void*>(from), bytes, stream, [=] {
    const bool known = allocation_of(reinterpret_cast<uint64_t>(to), 1) != nullptr;
    return is_device(from, bytes) && (!known || is_pinned(to, bytes));
  });
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copy("cuMemcpyDtoDAsync_v2", reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes, stream,
              [=] { return is_device(to, bytes) && is_device(from, bytes); });
}

CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t bytes,
                           CUstream stream) {
  return copy("cuMemcpyPeerAsync", reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes, stream,
              [=] {
                const Allocation* a = allocation_of(to, bytes);
                const Allocation* b = allocation_of(from, bytes);
                return a != nullptr && b != nullptr && static_cast<const void*>(a->context) == to_context &&
                       static_cast<const void*>(b->context) == from_context;
              });
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream handle) {
  return in_context("cuMemsetD8Async", [&](Context& context) {
    Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (!is_device(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
    return push(*stream, [=] {
      if (!is_device(to, bytes)) return misuse("memory was freed before it was filled", CUDA_ERROR_ILLEGAL_ADDRESS);
      std::memset(reinterpret_cast<void*>(to), value, bytes);
      return CUDA_SUCCESS;
    });
  });
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute* attributes, void** values, CUdeviceptr address) {
  return in_context("cuPointerGetAttributes", [&](Context&) {
    const Allocation* a = allocation_of(address, 1);
    for (unsigned i = 0; i < count; ++i) {
      switch (attributes[i]) {
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
          *static_cast<uint32_t*>(values[i]) =
              a == nullptr ? 0u : static_cast<uint32_t>(a->pinned ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE);
          break;
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
          *static_cast<int32_t*>(values[i]) = a == nullptr ? -2 : a->context->ordinal;
          break;
        case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
          *static_cast<CUdeviceptr*>(values[i]) = a == nullptr ? 0 : a->address;
          break;
        case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
          *static_cast<size_t*>(values[i]) = a == nullptr ? 0 : a->bytes;
          break;
      }
    }
    return CUDA_SUCCESS;
  });
}

}  // namespace leno::cuda
