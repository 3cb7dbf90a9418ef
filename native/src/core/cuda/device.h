#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/cuda/driver.h"
#include "core/cuda/modules.h"
#include "core/device.h"
#include "core/error.h"

namespace leno {

// What a card is, as its driver tells.
struct CudaInfo {
  int ordinal = 0;
  int arch = 0;  // 10 major + minor
  int multiprocessors = 0;
  int64_t total_bytes = 0;
  int64_t l2_bytes = 0;
  int64_t shared_bytes = 0;  // most dynamic shared memory of a block
  std::string name;
};

// A card, through its primary context. There is at most one object for a card. Everything that lies on it (streams,
// memory, graphs, contexts) holds it. All members may be called from any thread, and leave the thread's current context
// as it was.
class CudaDevice final : public Device, public std::enable_shared_from_this<CudaDevice> {
 public:
  static constexpr int kOldestArch = 75;

  // The card's object, made where there is none.
  static std::shared_ptr<CudaDevice> open(int ordinal);
  ~CudaDevice() override;

  const CudaInfo& info() const { return info_; }
  cuda::CUcontext handle() const { return context_; }
  std::unique_ptr<Context> new_context() override;
  void synchronize() override;

  struct Memory {
    int64_t free, total;
  };
  Memory memory() const;

  // What every call of the driver comes back through. Throws, and notes where the error means that the card is lost.
  void check(cuda::CUresult result, const char* call) const {
    if (result != cuda::CUDA_SUCCESS) refuse(result, call);
  }
  // Whether the driver has reported that the card cannot be used any more in this process.
  bool lost() const { return lost_.load(std::memory_order_acquire); }
  // Throws where the card is lost: then the driver is not even asked.
  void require_usable() const {
    if (lost()) refuse_lost();
  }

  // Device and pinned host memory. A release waits for the card's work, and while one of its streams is captured it is
  // put off until none is.
  cuda::CUdeviceptr allocate(int64_t bytes);
  void release(cuda::CUdeviceptr address) noexcept;
  void* allocate_pinned(int64_t bytes);
  void release_pinned(void* address) noexcept;
  // Changes whenever memory is released: what is known of addresses may be wrong from then on.
  uint64_t releases() const { return releases_.load(std::memory_order_acquire); }

  // Captures that were begun through this library. While a thread has one, calls that would spoil it are refused.
  void begin_capture(cuda::CUstream stream);
  cuda::CUgraph end_capture(cuda::CUstream stream);
  void forget_capture(cuda::CUstream stream) noexcept;
  void require_no_capture_here(const char* what) const;

  // Loads the kernel and allows it so much dynamic shared memory: before the first forward, and before a capture.
  // Throws where the card has no room for a cluster of its blocks.
  void prepare(const char* entry, uint32_t threads, uint32_t shared_bytes) const;
  // Puts a kernel with one parameter, the bytes at `parameters`, on a stream. entry: static text. After prepare() it
  // takes no lock and allocates nothing.
  void launch(const char* entry, const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes,
              const void* parameters, cuda::CUstream stream) const;

  // For transfers that are done when the call returns.
  cuda::CUstream transfers() const { return transfers_; }

  // Makes the card's context the thread's current one while it lives.
  class Current {
   public:
    explicit Current(const CudaDevice& device);
    ~Current();
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    bool pushed_ = false;
  };

 private:
  explicit CudaDevice(int ordinal);
  [[noreturn]] void refuse(cuda::CUresult result, const char* call) const;
  [[noreturn]] void refuse_lost() const;
  std::string free_memory() const;  // as the end of a message; "" where the driver cannot tell
  // Waits for the whole card, which the driver takes for a mistake while a stream is captured: captures begin between
  // them. False where one has begun.
  bool begin_wait();
  void end_wait() noexcept;
  void make_room_to_release();
  void allocation_failed();

  struct Capture {
    cuda::CUstream stream;
    std::thread::id thread;
  };
  struct Released {
    cuda::CUdeviceptr address = 0;
    void* pinned = nullptr;
  };
  void release(Released released) noexcept;
  void release_waiting() noexcept;

  cuda::CUdevice device_ = 0;
  CudaInfo info_;
  cuda::CUcontext context_ = nullptr;
  cuda::CUstream transfers_ = nullptr;
  std::unique_ptr<cuda::Modules> modules_;
  mutable std::atomic<bool> lost_{false};
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable no_waits_;
  int waits_ = 0;  // for the whole card, now
  mutable std::string why_lost_;
  std::vector<Capture> captures_;
  std::vector<Released> waiting_;  // for the end of a capture
  size_t allocations_ = 0;
  std::atomic<uint64_t> releases_{0};
};

}  // namespace leno
