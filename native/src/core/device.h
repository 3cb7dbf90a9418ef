#pragma once

#include <atomic>
#include <memory>

#include "core/aligned_buffer.h"
#include "core/isa.h"
#include "core/thread_pool.h"
#include "leno/device.h"

// Where operators run, and the scratch memory they run with. What there is of CUDA is in core/cuda/device.h.
namespace leno {

class Context;

class Device {
 public:
  enum class Kind : int { cpu = LENO_DEVICE_CPU, cuda = LENO_DEVICE_CUDA };
  explicit Device(Kind kind) : kind_(kind) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;
  Kind kind() const { return kind_; }
  // The device must outlive its contexts.
  virtual std::unique_ptr<Context> new_context() = 0;
  // Waits for all work that was given to it.
  virtual void synchronize() = 0;

 private:
  const Kind kind_;
};

// The scratch memory of one thread's forwards, in the device's memory.
class Context {
 public:
  virtual ~Context() = default;
  Device& device() const { return device_; }
  int64_t capacity() const { return capacity_; }
  std::byte* scratch() const { return scratch_; }
  virtual void reserve(int64_t bytes) = 0;
  virtual void synchronize() = 0;
  // A context serves one forward at a time: true for the one that gets it.
  bool try_enter() { return !in_use_.exchange(true, std::memory_order_acquire); }
  void leave() { in_use_.store(false, std::memory_order_release); }

 protected:
  explicit Context(Device& device) : device_(device) {}
  void set_scratch(std::byte* scratch, int64_t bytes) {
    scratch_ = scratch;
    capacity_ = bytes;
  }

 private:
  Device& device_;
  std::byte* scratch_ = nullptr;
  int64_t capacity_ = 0;
  std::atomic<bool> in_use_{false};
};

class CpuDevice final : public Device {
 public:
  CpuDevice(int threads, Isa isa) : Device(Kind::cpu), isa_(isa), pool_(threads) {}
  Isa isa() const { return isa_; }
  int threads() const { return pool_.threads(); }
  ThreadPool& pool() { return pool_; }
  std::unique_ptr<Context> new_context() override;
  void synchronize() override {}

 private:
  Isa isa_;
  ThreadPool pool_;
};

class CpuContext final : public Context {
 public:
  explicit CpuContext(CpuDevice& device) : Context(device) {}
  void reserve(int64_t bytes) override {
    if (bytes <= capacity()) return;
    buffer_ = AlignedBuffer(bytes);
    set_scratch(buffer_.data(), bytes);
  }
  void synchronize() override {}

 private:
  AlignedBuffer buffer_;
};

inline std::unique_ptr<Context> CpuDevice::new_context() { return std::make_unique<CpuContext>(*this); }

}  // namespace leno
