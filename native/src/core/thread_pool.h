#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace leno {

// More threads than this no caller may ask for.
constexpr int kMaxThreads = 1024;

// Runs a function on T threads, the caller being one of them. With T = 1 no thread is ever started.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls f(part, parts) for every part in 0 .. parts-1, each on a thread of its own where the operating system lets
  // these run: parts that their threads have not begun are taken over by the caller, and must not wait for each other.
  // parts is threads(), or 1 where the pool has one thread or is running someone else's work: a second caller is never
  // made to wait. f must not throw. Allocates nothing.
  template <class F>
  void run(F&& f) {
    if (threads_ == 1 || busy_.exchange(true, std::memory_order_acquire)) {
      f(0, 1);
      return;
    }
    using Function = std::remove_reference_t<F>;
    start({[](void* self, int part, int parts) { (*static_cast<Function*>(self))(part, parts); }, &f});
    f(0, threads_);
    finish();
    busy_.store(false, std::memory_order_release);
  }

 private:
  struct Task {
    void (*call)(void*, int, int) = nullptr;
    void* self = nullptr;
  };
  void start(Task task);
  void finish();
  bool claim(int part, uint64_t generation);
  void work(int part);
  void stop();

  const int threads_;
  std::atomic<bool> busy_{false};
  Task task_;
  std::atomic<uint64_t> generation_{0};
  // Per part, the last generation in which it was begun: part p is the p-th worker's, so that its share of the weights
  // stays in one core's cache, or the caller's where that worker is late.
  std::vector<std::atomic<uint64_t>> begun_;
  std::atomic<int> running_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace leno
