#include "core/aligned_buffer.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace leno {
namespace {

// Weights that come from memory are read at 26 to 31 GB/s in huge pages, at 18 in small ones, whose ends stop the
// hardware's prefetching (Zen 4).
constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(int64_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  const int64_t alignment = bytes < kHugePage ? kCacheLine : kHugePage;
  void* data = nullptr;
  if (posix_memalign(&data, static_cast<size_t>(alignment), static_cast<size_t>(round_up(bytes, kCacheLine))) != 0) {
    throw std::bad_alloc();
  }
  data_ = static_cast<std::byte*>(data);
#if defined(__linux__)
  // A wish: where it is not granted, nothing changes.
  if (bytes >= kHugePage) madvise(data, static_cast<size_t>(bytes / kHugePage * kHugePage), MADV_HUGEPAGE);
#endif
}

}  // namespace leno
