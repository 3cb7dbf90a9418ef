#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::load_shared;
using ptx::store_shared;
using ptx::Words2;
using ptx::Words4;

uint32_t base() { return ptx::shared_memory(); }
uint32_t thread() { return ptx::thread_id(); }

TEST(SharedMemory, EveryWidth) {
  expect_clean(32, 4096, [] {
    const uint32_t lane = ptx::lane_id();
    store_shared<uint16_t>(base() + 2 * lane, static_cast<uint16_t>(lane * 3));
    store_shared<float>(base() + 128 + 4 * lane, 0.5f);
    store_shared(base() + 512 + 8 * lane, Words2{{lane, ~lane}});
    store_shared(base() + 1024 + 16 * lane, Words4{{1, 2, 3, lane}});
    ptx::sync_warp();
    const uint32_t other = 31 - lane;
    EXPECT_EQ(load_shared<uint16_t>(base() + 2 * other), other * 3);
    EXPECT_EQ(load_shared<float>(base() + 128 + 4 * other), 0.5f);
    EXPECT_EQ(load_shared<Words2>(base() + 512 + 8 * other).w[1], ~other);
    EXPECT_EQ(load_shared<Words4>(base() + 1024 + 16 * other).w[3], other);
  });
}
TEST(SharedMemory, NeighbouringHalvesAreNoRace) {
  expect_clean(64, 128, [] {
    store_shared<uint16_t>(base() + 2 * thread(), static_cast<uint16_t>(thread()));
    ptx::sync_threads();
    EXPECT_EQ(load_shared<uint32_t>(base() + 4 * (thread() % 32)), thread() % 32 * 2 | (thread() % 32 * 2 + 1) << 16);
  });
}
TEST(SharedMemory, ReadByManyThenOverwrittenAfterTheBarrier) {
  expect_clean(256, 16, [] {
    if (thread() == 9) store_shared(base(), Words4{{1, 2, 3, 4}});
    ptx::sync_threads();
    EXPECT_EQ(load_shared<uint32_t>(base() + 4), 2u);
    EXPECT_EQ(load_shared<Words4>(base()).w[3], 4u);
    ptx::sync_threads();
    if (thread() == 200) store_shared(base(), Words4{{5, 6, 7, 8}});
    ptx::sync_threads();
    EXPECT_EQ(load_shared<uint16_t>(base() + 8), 7u);
  });
}

// ---- planted defects
TEST(SharedDefects, ReadAfterWrite) {
  Options options;
  options.random_order = false;
  expect_report("RACE: ld.shared reads shared 0x", 64, 256, options, [] {
    store_shared(base() + 4 * thread(), thread());
    ptx::sync_warp();
    if (thread() >= 32) load_shared<uint32_t>(base() + 4 * (thread() - 32));
  });
}
TEST(SharedDefects, ReadAfterWriteNamesBothPlaces) {
  Options options;
  options.random_order = false;
  const Report report = run(64, 256, options, [] {
    store_shared(base() + 4 * thread(), thread());
    if (thread() >= 32) load_shared<uint32_t>(base() + 4 * (thread() - 32));
  });
  EXPECT_THAT(report.what, testing::HasSubstr("thread 32 (warp 1 lane 0) shared_memory_test.cpp:"));
  EXPECT_THAT(report.what, testing::HasSubstr("written by thread 0 (warp 0 lane 0) at shared_memory_test.cpp:"));
}
TEST(SharedDefects, WriteAfterWrite) {
  expect_report("also written by", 64, 128, [] { store_shared(base() + 4 * (thread() % 32), 1); });
}
TEST(SharedDefects, WriteAfterRead) {
  Options options;
  options.random_order = false;
  expect_report("still being read by thread 32 (warp 1 lane 0)", 64, 256, options, [] {
    store_shared(base() + 4 * thread(), thread());
    ptx::sync_threads();
    if (thread() >= 32) {
      load_shared<uint32_t>(base() + 4 * (thread() - 32));
    } else {
      store_shared(base() + 4 * thread(), thread());
    }
  });
}
// Of 256 readers one warp is not ordered before the write.
TEST(SharedDefects, WriteAfterReadBySomeOfMany) {
  Options options;
  options.random_order = false;
  expect_report("still being read by thread 224 ", 288, 64, options, [] {
    if (thread() == 0) store_shared(base(), Words4{});
    ptx::sync_threads();
    if (thread() < 256) load_shared<Words4>(base());
    if (thread() >= 224 && thread() < 256) return;
    ptx::bar_sync<1, 256>();
    if (thread() == 256) store_shared(base(), Words4{});
  });
}
TEST(SharedDefects, HalfOfAVectorRaces) {
  expect_report("RACE", 64, 256, [] {
    if (thread() == 0) store_shared(base(), Words4{});
    ptx::sync_threads();
    if (thread() == 1) load_shared<Words4>(base());
    if (thread() == 40) store_shared<uint16_t>(base() + 10, 1);
  });
}
TEST(SharedDefects, Uninitialised) {
  expect_report("never written", 32, 256, [] { load_shared<float>(base() + 4 * ptx::lane_id()); });
  expect_report("never written", 32, 256, [] {
    store_shared<uint16_t>(base() + 4 * ptx::lane_id(), 1);
    load_shared<uint32_t>(base() + 4 * ptx::lane_id());
  });
}
TEST(SharedDefects, OutOfBounds) {
  expect_report("out of bounds: the block has [0x400, 0x480)", 32, 128,
                [] { store_shared(base() + 4 + 4 * ptx::lane_id(), 1.0f); });
  expect_report("out of bounds", 32, 128, [] { store_shared(base() - 4, 1.0f); });
  expect_report("out of bounds", 32, 0, [] { store_shared(base(), 1.0f); });
}
TEST(SharedDefects, Misaligned) {
  expect_report("not aligned to 16 bytes", 32, 1024, [] { store_shared(base() + 8 + 16 * ptx::lane_id(), Words4{}); });
  expect_report("not aligned to 4 bytes", 32, 1024, [] { store_shared(base() + 2, 1); });
}
TEST(SharedDefects, RacesCanBeTurnedOff) {
  Options options;
  options.races = false;
  EXPECT_TRUE(run(64, 128, options, [] { store_shared(base() + 4 * (thread() % 32), 1); }).ok);
}

// ---- named barriers
TEST(Barriers, ProducerAndConsumer) {
  expect_clean(64, 128, [] {
    const uint32_t lane = ptx::lane_id(), at = base() + 4 * lane;
    for (uint32_t i = 0; i < 5; ++i) {
      if (thread() < 32) {
        if (i) ptx::bar_sync<2, 64>();
        store_shared(at, i * 100 + lane);
        ptx::bar_sync<1, 64>();
      } else {
        ptx::bar_sync<1, 64>();
        EXPECT_EQ(load_shared<uint32_t>(at ^ 4), i * 100 + (lane ^ 1));
        if (i < 4) ptx::bar_sync<2, 64>();
      }
    }
  });
}
TEST(Barriers, ThreadsThatEndAreNotWaitedFor) {
  expect_clean(96, 128, [] {
    if (thread() >= 64) return;
    store_shared(base() + thread() % 64 * 2, uint16_t{1});
    ptx::sync_threads();
  });
}
TEST(BarrierDefects, TwoCounts) {
  expect_report("thread counts", 96, 0, [] {
    if (thread() < 32) {
      ptx::bar_sync<1, 64>();
    } else {
      ptx::bar_sync<1, 96>();
    }
  });
}
TEST(BarrierDefects, MoreThreadsThanTheBlockHas) {
  expect_report("expects 128 threads, the block has 64", 64, 0, [] { ptx::bar_sync<1, 128>(); });
}
TEST(BarrierDefects, Deadlock) {
  expect_report("deadlock\n  warp  0 lanes ffffffff: waits in bar.sync at shared_memory_test.cpp:", 64, 0, [] {
    if (thread() < 32) {
      ptx::sync_threads();
    } else {
      ptx::bar_sync<1, 64>();
    }
  });
}

}  // namespace
}  // namespace leno::simt
