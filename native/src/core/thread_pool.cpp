#include "core/thread_pool.h"

#include <system_error>

#include "core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace leno {
namespace {

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Layers follow each other within microseconds, a wake-up through the operating system takes several: a worker looks
// for work this many times before it sleeps (about 50 us), and the caller before it yields.
constexpr int kSpins = 2000;

}  // namespace

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  workers_.reserve(static_cast<size_t>(threads - 1));
  try {
    for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
  } catch (const std::system_error& e) {
    stop();
    fail(LENO_ERR_OUT_OF_MEMORY, "threads is ", threads, ", expected at most the ", workers_.size() + 1,
         " that the operating system grants: ", e.what());
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stop_ = true;
  start({});
  for (std::thread& w : workers_) w.join();
}

void ThreadPool::start(Task task) {
  task_ = task;
  running_.store(threads_ - 1, std::memory_order_relaxed);
  // Sequentially consistent with the workers' asleep_ += 1, generation_ read: one of the two sees the other.
  generation_.fetch_add(1);
  if (asleep_.load() > 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_.notify_all();
  }
}

void ThreadPool::wait() {
  for (int spin = 0; running_.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void ThreadPool::work(int part) {
  uint64_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; ++spin) pause();
    if (generation_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      asleep_.fetch_add(1);
      wake_.wait(lock, [&] { return generation_.load() != seen; });
      asleep_.fetch_sub(1);
    }
    ++seen;
    if (stop_) return;
    task_.call(task_.self, part, threads_);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace leno
