#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace {

using leno::ThreadPool;

TEST(ThreadPool, EveryPartRunsOnceInEveryRound) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> count(static_cast<size_t>(threads));
    for (int round = 0; round < 500; ++round) {
      // Now and then long enough a pause for the workers to fall asleep.
      if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      pool.run([&](int part, int parts) {
        ASSERT_EQ(threads, parts);
        count[static_cast<size_t>(part)]++;
      });
    }
    for (const auto& c : count) EXPECT_EQ(500, c.load());
  }
}

TEST(ThreadPool, SecondCallerRunsAloneWhileBusy) {
  ThreadPool pool(2);
  std::atomic<int> nested_parts{0};
  pool.run([&](int part, int) {
    if (part == 0) pool.run([&](int, int parts) { nested_parts = parts; });
  });
  EXPECT_EQ(1, nested_parts.load());
}

}  // namespace
