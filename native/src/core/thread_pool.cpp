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

ThreadPool::ThreadPool(int threads) : threads_(threads), begun_(static_cast<size_t>(threads)) {
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
  generation_.fetch_add(1);
  // No condition variable: glibc's makes a second broadcast wait for every thread that the first one woke.
  generation_.notify_all();
}

// Each generation claims each part once, so that a part's number goes up in steps of one. A worker that is late has an
// old generation in hand, finds a number beyond it, and leaves the part and the task alone.
bool ThreadPool::claim(int part, uint64_t generation) {
  uint64_t before = generation - 1;
  return begun_[static_cast<size_t>(part)].compare_exchange_strong(before, generation, std::memory_order_acq_rel,
                                                                   std::memory_order_relaxed);
}

void ThreadPool::finish() {
  const uint64_t generation = generation_.load(std::memory_order_relaxed);
  for (int part = 1; part < threads_; ++part) {
    if (!claim(part, generation)) continue;
    task_.call(task_.self, part, threads_);
    running_.fetch_sub(1, std::memory_order_relaxed);
  }
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
    generation_.wait(seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    if (!claim(part, seen)) continue;
    // The generation cannot end before this part has, and so the task stays.
    task_.call(task_.self, part, threads_);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace leno
