#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>

#include "core/thread_pool.h"

namespace leno {

// How many of the threads that a caller allows are of use to n pieces of work: more than the processors would only get
// in each other's way, and each brings its workspace. Results do not depend on it.
inline int useful_threads(int allowed, int64_t n) {
  const int64_t processors = std::max(1u, std::thread::hardware_concurrency());
  return static_cast<int>(std::min({int64_t{allowed}, n, processors}));
}

// Calls f(i), or f(i, part), for every i in 0 .. n-1, on whatever thread is free, and throws what a failing call threw.
// part tells the threads apart (0 .. threads-1) and finds a workspace; which thread runs which i must never show in a
// result: each i has outputs of its own.
template <class F>
void parallel_for(ThreadPool& pool, int64_t n, F&& f) {
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  pool.run([&](int part, int) {
    try {
      for (int64_t i = next++; i < n; i = next++) {
        if constexpr (std::is_invocable_v<F&, int64_t, int>) {
          f(i, part);
        } else {
          f(i);
        }
      }
    } catch (...) {
      next = n;
      std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace leno
