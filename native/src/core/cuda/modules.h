#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/cuda/driver.h"
#include "core/cuda/images.h"

namespace leno {
class CudaDevice;
}

namespace leno::cuda {

struct Function {
  CUfunction handle = nullptr;
  int cluster = 0;                               // blocks side by side of each of its clusters, 0 without
  std::atomic<uint32_t> shared_bytes{48 << 10};  // dynamic shared memory that it is allowed; 48 KB without asking
};

// The kernels of one card. Images are loaded when a kernel is first looked for, and stay. The card's context is current
// in every call.
class Modules {
 public:
  explicit Modules(const CudaDevice& device) : device_(device) {}
  ~Modules();

  // entry: static text. Takes a lock only where it is asked for the first time.
  Function& function(const char* entry);
  // Allows the function this much dynamic shared memory.
  void allow_shared(Function& function, uint32_t bytes);
  // Throws where the function runs in clusters and the card places none of them: a slice of a card may have the
  // multiprocessors, but not next to each other.
  void require_room(const Function& function, const char* entry, uint32_t threads, uint32_t shared_bytes) const;

 private:
  // Names are found by their addresses: a kernel's name is static text, the same text for each of its launches.
  struct Known {
    std::atomic<const char*> entry{nullptr};
    Function* function = nullptr;
  };
  static constexpr size_t kKnown = 1024;

  Function& look_up(const char* entry);
  CUfunction load(const char* entry);
  bool load_next_image();
  static size_t first_place(const char* entry) { return (reinterpret_cast<uintptr_t>(entry) >> 3) % kKnown; }

  const CudaDevice& device_;
  std::array<Known, kKnown> known_;
  std::mutex mutex_;  // of what follows
  size_t known_count_ = 0;
  std::map<std::string, std::unique_ptr<Function>, std::less<>> functions_;
  std::vector<CUmodule> modules_;
  size_t next_image_ = 0;
};

}  // namespace leno::cuda
