#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/error.h"
#include "pattern/parallel.h"

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

TEST(ThreadPool, MoreThreadsThanProcessorsFinish) {
  ThreadPool pool(64);
  std::atomic<int> count{0};
  for (int round = 0; round < 50; ++round) pool.run([&](int, int) { count++; });
  EXPECT_EQ(50 * 64, count.load());
}

// A worker that a signal handler holds up stands for one that the operating system does not let run.
std::atomic<bool> held{false}, release{false};

TEST(ThreadPool, TheCallerDoesWhatNoWorkerHasBegun) {
  held = release = false;
  ThreadPool pool(3);
  pthread_t threads[3];
  auto note_threads = [&](int part, int) {
    threads[part] = pthread_self();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  do {
    pool.run(note_threads);
  } while (pthread_equal(threads[1], threads[0]) || pthread_equal(threads[2], threads[0]));
  const pthread_t worker = threads[1];
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it sleeps, and holds no lock
  struct sigaction hold = {}, before;
  hold.sa_handler = [](int) {
    held = true;
    while (!release) {
    }
  };
  ASSERT_EQ(0, sigaction(SIGUSR1, &hold, &before));
  ASSERT_EQ(0, pthread_kill(worker, SIGUSR1));
  while (!held) std::this_thread::yield();
  std::thread rescue([] {  // of a caller that waits for the worker
    for (int i = 0; i < 500 && !release; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    release = true;
  });
  for (int round = 0; round < 3; ++round) {
    pool.run(note_threads);
    EXPECT_TRUE(pthread_equal(threads[1], pthread_self()));
  }
  release = true;
  rescue.join();
  // It comes back to generations that are over, and then serves again.
  do {
    pool.run(note_threads);
  } while (!pthread_equal(threads[1], worker));
  ASSERT_EQ(0, sigaction(SIGUSR1, &before, nullptr));
}

// Rounds so short that workers come late to most of them, over tasks that end with their round.
TEST(ThreadPool, LateWorkersTakeNoPartOfAnotherRound) {
  for (int threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 3000; ++round) {
      std::vector<int> task(static_cast<size_t>(threads), round);
      // Between the spins of a worker and its sleep, now the caller is the first to be done, now a worker.
      const int spin = round % 97 * (round % 3) * 100;
      pool.run([&, round](int part, int) {
        for (int i = 0; i < (part == round % 2 ? spin : 10); ++i) {
          asm volatile("");  // or the loop is gone
        }
        int& mine = task[static_cast<size_t>(part)];
        mine = mine == round ? -1 : -2;
      });
      for (int done : task) ASSERT_EQ(-1, done) << threads << " threads, round " << round;
    }
  }
}

// Stacks larger than the address space stand for a machine that grants no more threads.
TEST(ThreadPool, ThreadsThatCannotBeHadAreToldAsSuch) {
  pthread_attr_t usual, huge;
  ASSERT_EQ(0, pthread_getattr_default_np(&usual));
  ASSERT_EQ(0, pthread_getattr_default_np(&huge));
  ASSERT_EQ(0, pthread_attr_setstacksize(&huge, size_t{1} << 48));
  ASSERT_EQ(0, pthread_setattr_default_np(&huge));
  int status = LENO_OK;
  std::string message;
  try {
    ThreadPool pool(3);
  } catch (const leno::Error& e) {
    status = e.status();
    message = e.what();
  }
  ASSERT_EQ(0, pthread_setattr_default_np(&usual));
  EXPECT_EQ(LENO_ERR_OUT_OF_MEMORY, status);
  EXPECT_EQ(0u, message.find("threads is 3, expected at most the 1 that the operating system grants: ")) << message;
}

TEST(ParallelFor, UsesNoMoreThreadsThanAreOfUse) {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  EXPECT_EQ(1, leno::useful_threads(1024, 1));
  EXPECT_EQ(1, leno::useful_threads(1, 1000000));
  EXPECT_EQ(processors, leno::useful_threads(1024, 1000000));
}

}  // namespace
