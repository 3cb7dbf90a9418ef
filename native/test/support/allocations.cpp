#include "support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> count{0}, bytes{0}, good{INT64_MAX};
std::atomic<bool (*)()> counts{nullptr};

// Counts one; false where it is to fail.
bool take(size_t n) {
  bool (*const asked)() = counts.load();
  if (asked != nullptr && !asked()) return true;
  ++count;
  bytes += static_cast<int64_t>(n);
  return good.load() == INT64_MAX || good.fetch_sub(1) > 0;
}

}  // namespace

// The linker puts these in the place of every call in the program's own objects (--wrap).
extern "C" {
void* __real_malloc(size_t);
void* __real_calloc(size_t, size_t);
void* __real_realloc(void*, size_t);
void* __real_aligned_alloc(size_t, size_t);
int __real_posix_memalign(void**, size_t, size_t);

void* __wrap_malloc(size_t n) { return take(n) ? __real_malloc(n) : nullptr; }
void* __wrap_calloc(size_t n, size_t size) { return take(n * size) ? __real_calloc(n, size) : nullptr; }
void* __wrap_realloc(void* p, size_t n) { return take(n) ? __real_realloc(p, n) : nullptr; }
void* __wrap_aligned_alloc(size_t alignment, size_t n) {
  return take(n) ? __real_aligned_alloc(alignment, n) : nullptr;
}
int __wrap_posix_memalign(void** p, size_t alignment, size_t n) {
  return take(n) ? __real_posix_memalign(p, alignment, n) : ENOMEM;
}
}

void* operator new(size_t n) {
  void* p = std::malloc(n == 0 ? 1 : n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
// The library's temporary buffers come from here; a sanitizer's own would not be freed with free().
void* operator new(size_t n, const std::nothrow_t&) noexcept { return std::malloc(n == 0 ? 1 : n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace leno_test {

int64_t allocations() { return count; }
int64_t allocated_bytes() { return bytes; }
void count_allocations_where(bool (*which)()) { counts = which; }

FailingAllocations::FailingAllocations(int64_t n) { good = n; }
FailingAllocations::~FailingAllocations() { good = INT64_MAX; }

}  // namespace leno_test
