#pragma once

#include <array>
#include <cstdint>

#include "core/cuda/driver_abi.h"

namespace leno {
class CudaDevice;
}

namespace leno::cuda {

enum class MemoryKind { unknown, pinned, device };  // unknown: the host's, or nobody's

// What the driver knows of an address.
struct MemoryRange {
  MemoryKind kind = MemoryKind::unknown;
  int ordinal = -1;  // of the device
  uint64_t begin = 0, end = 0;
};
MemoryRange query_range(const CudaDevice& device, const void* address);

// Tells addresses of a card's memory from others. The driver takes some 100 ns for an answer, so that the ranges which
// were good are kept: a forward on the same tensors as before asks it nothing. They are forgotten as soon as memory is
// released through this library. Where somebody else has released some, an address in it is taken for good until then.
// For one thread.
class PointerCheck {
 public:
  explicit PointerCheck(const CudaDevice& device) : device_(device) {}

  // Throws unless all of [address, address + bytes) is memory of the card. bytes >= 1.
  void require_device(const void* address, int64_t bytes, const char* argument) {
    const auto begin = reinterpret_cast<uint64_t>(address);
    for (const MemoryRange& r : known_) {
      if (begin >= r.begin && begin < r.end && static_cast<uint64_t>(bytes) <= r.end - begin && fresh()) return;
    }
    ask(begin, static_cast<uint64_t>(bytes), argument);
  }

 private:
  bool fresh() const;
  void ask(uint64_t begin, uint64_t bytes, const char* argument);

  const CudaDevice& device_;
  std::array<MemoryRange, 8> known_{};
  size_t next_ = 0;
  uint64_t releases_ = 0;
};

}  // namespace leno::cuda
