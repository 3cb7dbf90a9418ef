#pragma once

#include <atomic>

#include "core/aligned_buffer.h"
#include "core/isa.h"
#include "core/thread_pool.h"

namespace leno {

class Device {
 public:
  Device(int threads, Isa isa) : isa_(isa), pool_(threads) {}
  Isa isa() const { return isa_; }
  int threads() const { return pool_.threads(); }
  ThreadPool& pool() { return pool_; }

 private:
  Isa isa_;
  ThreadPool pool_;
};

// The scratch memory of one thread's forwards.
class Context {
 public:
  explicit Context(Device& device) : device_(device) {}
  Device& device() const { return device_; }
  int64_t capacity() const { return scratch_.bytes(); }
  std::byte* scratch() const { return scratch_.data(); }
  void reserve(int64_t bytes) {
    if (bytes > capacity()) scratch_ = AlignedBuffer(bytes);
  }
  // A context serves one forward at a time: true for the one that gets it.
  bool try_enter() { return !in_use_.exchange(true, std::memory_order_acquire); }
  void leave() { in_use_.store(false, std::memory_order_release); }

 private:
  Device& device_;
  AlignedBuffer scratch_;
  std::atomic<bool> in_use_{false};
};

}  // namespace leno
