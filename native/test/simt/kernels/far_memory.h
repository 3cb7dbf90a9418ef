#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>

#include "simt/entry.h"

namespace leno_test {

// Memory of any size, zeros, of which only what is touched takes pages.
template <class T>
class FarMemory {
 public:
  explicit FarMemory(int64_t elements)
      : bytes_(static_cast<size_t>(elements) * sizeof(T)),
        data_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (data_ == MAP_FAILED) throw std::runtime_error("no address space for a sparse mapping");
  }
  ~FarMemory() { munmap(data_, bytes_); }
  FarMemory(const FarMemory&) = delete;
  FarMemory& operator=(const FarMemory&) = delete;

  T* data() const { return static_cast<T*>(data_); }
  T& operator[](int64_t i) const { return data()[i]; }
  leno::simt::GlobalRange range(bool writable, const char* name) const { return {data_, bytes_, writable, name}; }

 private:
  size_t bytes_;
  void* data_;
};

}  // namespace leno_test
