#include <vector>

#include "simt_test.h"

namespace leno::simt {
namespace {

using testing::HasSubstr;

TEST(Warp, WhoAmI) {
  std::vector<int> seen(6 * 64);
  const Report report = launch({3, 2, 1}, 64, 0, {}, [&] {
    EXPECT_EQ(ptx::lane_id(), ptx::thread_id() % 32);
    EXPECT_EQ(ptx::grid_x(), 3u);
    ++seen[(ptx::block_y() * 3 + ptx::block_x()) * 64 + ptx::thread_id()];
  });
  EXPECT_TRUE(report.ok) << report.what;
  EXPECT_EQ(report.counters.blocks, 6u);
  EXPECT_THAT(seen, testing::Each(1));
}
TEST(Warp, Shuffle) {
  expect_clean(64, 0, [] {
    const auto lane = static_cast<int>(ptx::lane_id());
    int sum = lane;
    for (int mask = 16; mask; mask /= 2) sum += ptx::shuffle_xor(sum, mask);
    EXPECT_EQ(sum, 31 * 32 / 2);
    EXPECT_EQ(ptx::shuffle(lane * 3, (lane + 5) % 32), (lane + 5) % 32 * 3);
    EXPECT_EQ(ptx::shuffle(1.5f * static_cast<float>(lane), 7), 10.5f);
    EXPECT_EQ(ptx::shuffle(uint64_t{1} << lane, 40), uint64_t{1} << 8);  // modulo 32
  });
}
TEST(Warp, SyncWarpOrdersMemory) {
  expect_clean(64, 256, [] {
    const uint32_t t = ptx::thread_id(), at = ptx::shared_memory() + 4 * t;
    ptx::store_shared<uint32_t>(at, t);
    ptx::sync_warp();
    EXPECT_EQ(ptx::load_shared<uint32_t>(at ^ 4), t ^ 1);
  });
}
TEST(Warp, PermuteBytes) {
  EXPECT_EQ(ptx::permute_bytes(0x33221100, 0x77665544, 0x5140), 0x55114400u);
  EXPECT_EQ(ptx::permute_bytes(0x33221100, 0x77665544, 0x7632), 0x77663322u);
}

// ---- planted defects
TEST(WarpDefects, DifferentInstructions) {
  expect_report("warp diverged", 32, 0, [] {
    if (ptx::lane_id() < 16) {
      ptx::sync_warp();
    } else {
      ptx::shuffle(1, 0);
    }
  });
}
TEST(WarpDefects, DifferentLines) {
  expect_report("warp diverged", 32, 0, [] {
    if (ptx::lane_id() < 16) {
      ptx::sync_warp();
    } else {
      ptx::sync_warp();
    }
  });
}
TEST(WarpDefects, ALaneIsAtABarrier) {
  expect_report("warp diverged", 64, 0, [] {
    if (ptx::lane_id() < 16) {
      ptx::sync_warp();
    } else {
      ptx::sync_threads();
    }
  });
}
TEST(WarpDefects, ALaneHasEnded) {
  expect_report("warp diverged", 32, 0, [] {
    if (ptx::lane_id() == 7) return;
    ptx::sync_warp();
  });
}
TEST(WarpDefects, ReportsTellThePlace) {
  Options options;
  options.random_order = false;
  const Report report = launch({1, 2, 1}, 64, 64, options, [] {
    if (ptx::block_y() == 1 && ptx::thread_id() == 37) ptx::load_shared<uint32_t>(ptx::shared_memory() + 64);
  });
  EXPECT_THAT(report.what, HasSubstr("block (0,1,0) thread 37 (warp 1 lane 5) warp_test.cpp:"));
  EXPECT_THAT(report.what, HasSubstr("[seed 1]"));
}
TEST(WarpDefects, ShuffleOrdersNoMemory) {
  expect_report("RACE", 32, 128, [] {
    const uint32_t at = ptx::shared_memory() + 4 * ptx::lane_id();
    ptx::store_shared<uint32_t>(at, 1);
    ptx::shuffle(1, 0);
    ptx::load_shared<uint32_t>(at ^ 4);
  });
}
TEST(WarpDefects, AnExceptionOfTheKernel) {
  expect_report("the kernel threw: planted", 64, 0, [] {
    ptx::sync_warp();
    if (ptx::thread_id() == 3) throw std::runtime_error("planted");
    ptx::sync_warp();
  });
}
TEST(WarpDefects, Livelock) {
  Options options;
  options.max_switches = 100000;
  options.spurious = 1;
  expect_report("livelock", 32, 64, options, [] {
    if (ptx::thread_id() == 0) ptx::mbarrier_init(ptx::shared_memory(), 1);
    ptx::sync_warp();
    ptx::mbarrier_wait(ptx::shared_memory(), 0);
  });
}

// ---- launch
TEST(Launch, RefusesWhatNoCardTakes) {
  const Body nothing = [] {};
  EXPECT_THAT(launch({1, 1, 1}, 48, 0, {}, nothing).what, HasSubstr("48 threads a block"));
  EXPECT_THAT(launch({1, 0, 1}, 32, 0, {}, nothing).what, HasSubstr("grid 1 x 0 x 1"));
  EXPECT_THAT(launch({1, 70000, 1}, 32, 0, {}, nothing).what, HasSubstr("grid 1 x 70000 x 1"));
  Options options;
  options.arch = 75;
  EXPECT_THAT(launch({1, 1, 1}, 32, 70000, options, nothing).what, HasSubstr("sm_75 has 65536"));
}
TEST(Launch, TheSeedDecidesTheSchedule) {
  const auto order = [](uint64_t seed) {
    std::vector<uint32_t> seen;
    Options options;
    options.seed = seed;
    options.preempt = 0.2;
    launch({3, 1, 1}, 96, 0, options, [&] {
      ptx::sync_threads();
      seen.push_back(ptx::block_x() * 96 + ptx::thread_id());
    });
    return seen;
  };
  EXPECT_EQ(order(5), order(5));
  EXPECT_NE(order(5), order(6));
}
TEST(Launch, BlocksOnSeveralThreads) {
  Options options;
  options.workers = 3;
  std::vector<int> seen(50);
  const Report report = launch({50, 1, 1}, 64, 1024, options, [&] {
    ptx::store_shared<uint32_t>(ptx::shared_memory() + 4 * ptx::thread_id(), ptx::block_x());
    ptx::sync_threads();
    if (ptx::thread_id() == 0) seen[ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * 63)]++;
  });
  EXPECT_TRUE(report.ok) << report.what;
  EXPECT_EQ(report.counters.blocks, 50u);
  EXPECT_EQ(report.counters.barriers, 50u);
  EXPECT_THAT(seen, testing::Each(1));
}
TEST(Launch, DeepStacksAndManyThreads) {
  const Report report = launch({4, 2, 1}, 1024, 0, {}, [] {
    volatile char deep[16384];
    deep[0] = 1;
    ptx::sync_threads();
    deep[16383] = deep[0];
  });
  EXPECT_TRUE(report.ok) << report.what;
}

}  // namespace
}  // namespace leno::simt
