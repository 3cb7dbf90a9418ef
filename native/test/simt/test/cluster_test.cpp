#include <vector>

#include "simt_test.h"

namespace leno::simt {
namespace {

using ptx::load_shared;
using ptx::store_shared;

uint32_t base() { return ptx::shared_memory(); }
uint32_t thread() { return ptx::thread_id(); }
uint32_t rank() { return ptx::cluster_rank(); }
void cluster_sync() {
  ptx::cluster_arrive();
  ptx::cluster_wait();
}
// An mbarrier at the beginning of shared memory, there for the whole cluster.
uint32_t barrier_of_all(uint32_t arrivals = 1) {
  if (thread() == 0) {
    ptx::mbarrier_init(base(), arrivals);
    ptx::fence_mbarrier_init();
  }
  cluster_sync();
  return base();
}
Options cluster_of(uint32_t blocks) {
  Options options;
  options.cluster = blocks;
  return options;
}
alignas(128) uint32_t kNumbers[1024];
bool filled = [] {
  for (uint32_t i = 0; i < 1024; ++i) kNumbers[i] = i * i + 7;
  return true;
}();

TEST(Clusters, KnowTheirRanks) {
  std::vector<uint32_t> seen(24);
  Options options = cluster_of(4);
  const Report report = launch({12, 2, 1}, 32, 0, options, [&] {
    EXPECT_EQ(rank(), ptx::block_x() % 4);
    if (thread() == 0) ++seen[ptx::block_y() * 12 + ptx::block_x()];
  });
  EXPECT_TRUE(report.ok) << report.what;
  EXPECT_EQ(seen, std::vector<uint32_t>(24, 1));
  EXPECT_EQ(report.counters.blocks, 24u);
}
TEST(Clusters, OfOneBlockWithoutAny) {
  expect_clean(64, 1024, [] {
    EXPECT_EQ(rank(), 0u);
    const uint32_t full = barrier_of_all();
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 64);
      ptx::bulk_load_multicast(base() + 64, kNumbers, 64, full, 1);
    }
    ptx::mbarrier_wait(full, 0);
    EXPECT_EQ(load_shared<uint32_t>(base() + 64 + thread() % 16 * 4), kNumbers[thread() % 16]);
  });
}
TEST(Clusters, MulticastsReachEveryBlock) {
  expect_clean(64, 4096, cluster_of(4), [] {
    const uint32_t full = barrier_of_all();
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 4 * 64);
      ptx::bulk_load_multicast(base() + 64 + rank() * 64, kNumbers + 16 * rank(), 64, full, 0xf);
    }
    ptx::mbarrier_wait(full, 0);
    EXPECT_EQ(load_shared<uint32_t>(base() + 64 + thread() * 4), kNumbers[thread()]);
  });
}
TEST(Clusters, MulticastsReachTheBlocksOfTheMask) {
  expect_clean(32, 4096, cluster_of(3), [] {
    const uint32_t full = barrier_of_all();
    if (thread() == 0 && rank() != 1) ptx::mbarrier_arrive_expect_tx(full, 128);
    if (thread() == 0 && rank() == 0) ptx::bulk_load_multicast(base() + 128, kNumbers + 32, 128, full, 5);
    if (rank() == 1) return;
    ptx::mbarrier_wait(full, 0);
    EXPECT_EQ(load_shared<uint32_t>(base() + 128 + thread() * 4), kNumbers[32 + thread()]);
  });
}
// A ring of one slot: refilled for all when all blocks have released it.
void ring(uint32_t blocks, uint32_t rounds, bool wait_for_release, bool end_together, bool cluster_scope = true) {
  const uint32_t full = base(), empty = base() + 8, slot = base() + 64;
  if (thread() == 0) {
    ptx::mbarrier_init(full, 1);
    ptx::mbarrier_init(empty, blocks);
    ptx::fence_mbarrier_init();
  }
  cluster_sync();
  for (uint32_t round = 0; round < rounds; ++round) {
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 128);
      if (rank() == 0) {
        if (round > 0 && wait_for_release) {
          cluster_scope ? ptx::mbarrier_wait_cluster(empty, (round - 1) & 1)
                        : ptx::mbarrier_wait(empty, (round - 1) & 1);
        }
        ptx::bulk_load_multicast(slot, kNumbers + 32 * round, 128, full, static_cast<uint16_t>((1u << blocks) - 1));
      }
    }
    ptx::mbarrier_wait(full, round & 1);
    EXPECT_EQ(load_shared<uint32_t>(slot + 4 * thread()), kNumbers[32 * round + thread()]);
    ptx::sync_warp();
    if (thread() == 0) ptx::mbarrier_arrive_remote(ptx::map_shared(empty, 0));
  }
  if (end_together) cluster_sync();
}
TEST(Clusters, HandSlotsBackByRemoteArrivals) {
  expect_clean(32, 1024, cluster_of(2), [] { ring(2, 5, true, true); });
  expect_clean(32, 1024, cluster_of(8), [] { ring(8, 4, true, true); });
}
TEST(Clusters, CountAMulticastOnce) {
  const Report report = run(32, 1024, cluster_of(2), [] { ring(2, 5, true, true); });
  ASSERT_TRUE(report.ok) << report.what;
  EXPECT_EQ(report.counters.global_loads.bytes, 5u * 128);
  EXPECT_EQ(report.counters.global_loads.instructions, 5u);
  EXPECT_EQ(report.counters.multicasts, 5u);
  EXPECT_EQ(report.counters.bulk_copies, 5u);
  EXPECT_EQ(report.counters.remote_arrivals, 10u);
  EXPECT_EQ(report.counters.cluster_barriers, 2u);
}
TEST(Clusters, BarrierGoesOnWithoutThoseThatHaveEnded) {
  expect_clean(64, 256, cluster_of(2), [] {
    if (rank() == 1 && thread() >= 32) return;
    for (int i = 0; i < 3; ++i) cluster_sync();
  });
}
TEST(Clusters, ArriveAndWaitApart) {
  expect_clean(32, 256, cluster_of(2), [] {
    for (uint32_t i = 0; i < 3; ++i) {
      ptx::cluster_arrive();
      store_shared(base() + 4 * thread(), i);
      ptx::cluster_wait();
    }
  });
}
TEST(Clusters, AreRefusedWhereNoCardHasThem) {
  const auto refused = [](Options options, uint32_t grid) { return launch({grid, 1, 1}, 32, 0, options, [] {}).what; };
  EXPECT_EQ("", refused(cluster_of(2), 4));
  EXPECT_THAT(refused(cluster_of(2), 3), testing::HasSubstr("not a whole number of clusters"));
  EXPECT_THAT(refused(cluster_of(16), 16), testing::HasSubstr("clusters of 16 blocks"));
  Options old = cluster_of(2);
  old.arch = 89;
  EXPECT_THAT(refused(old, 2), testing::HasSubstr("clusters need sm_90"));
}

// ---- planted defects
TEST(ClusterDefects, MulticastToABlockThatHasEnded) {
  expect_report("that block has ended", 32, 1024, cluster_of(2), [] {
    const uint32_t full = barrier_of_all();
    if (rank() == 1) return;
    for (int i = 0; i < 2000; ++i) ptx::sync_warp();
    if (thread() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 64);
      ptx::bulk_load_multicast(base() + 64, kNumbers, 64, full, 2);
    }
  });
}
TEST(ClusterDefects, BlockEndsWithAMulticastOnItsWay) {
  expect_report("the block ends with 1 bulk copies into shared memory in flight", 32, 1024, cluster_of(2), [] {
    const uint32_t full = barrier_of_all();
    if (thread() == 0 && rank() == 0) ptx::bulk_load_multicast(base() + 64, kNumbers, 64, full, 2);
    if (rank() == 1) cluster_sync();
    if (rank() == 0) cluster_sync();
  });
}
TEST(ClusterDefects, BlockEndsBeforeItsPeersHaveArrived) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Options options = cluster_of(2);
    options.seed = seed;
    const Report report = run(32, 1024, options, [] { ring(2, 3, true, false); });
    ASSERT_FALSE(report.ok) << seed;
    EXPECT_THAT(report.what, testing::AnyOf(testing::HasSubstr("may still be on its way here"),
                                            testing::HasSubstr("that block has ended")));
  }
}
TEST(ClusterDefects, NoClusterBarrierBeforeTheFirstUse) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Options options = cluster_of(2);
    options.seed = seed;
    const Report report = run(32, 1024, options, [] {
      if (thread() == 0) {
        ptx::mbarrier_init(base(), 1);
        ptx::fence_mbarrier_init();
        ptx::mbarrier_arrive_expect_tx(base(), 64);
        if (rank() == 0) ptx::bulk_load_multicast(base() + 64, kNumbers, 64, base(), 3);
      }
      ptx::sync_threads();
      ptx::mbarrier_wait(base(), 0);
    });
    ASSERT_FALSE(report.ok) << seed;
    EXPECT_THAT(report.what, testing::HasSubstr("to block 1 of the cluster"));
    EXPECT_THAT(report.what, testing::AnyOf(testing::HasSubstr("not an initialised mbarrier"),
                                            testing::HasSubstr("RACE"), testing::HasSubstr("that block has ended")));
  }
}
TEST(ClusterDefects, NoClusterBarrierBeforeARemoteArrival) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Options options = cluster_of(2);
    options.seed = seed;
    const Report report = run(32, 1024, options, [] {
      if (thread() == 0) {
        ptx::mbarrier_init(base(), 1);
        ptx::fence_mbarrier_init();
        ptx::mbarrier_arrive_remote(ptx::map_shared(base(), 1 - rank()));
        ptx::mbarrier_wait_cluster(base(), 0);
      }
      ptx::sync_warp();
      cluster_sync();
    });
    ASSERT_FALSE(report.ok) << seed;
    EXPECT_THAT(report.what, testing::HasSubstr("mbarrier.arrive in block"));
    EXPECT_THAT(report.what,
                testing::AnyOf(testing::HasSubstr("not an initialised mbarrier"), testing::HasSubstr("RACE")));
  }
}
TEST(ClusterDefects, BarrierNotFenced) {
  expect_report("initialised without fence_mbarrier_init", 32, 1024, cluster_of(2), [] {
    if (thread() == 0) ptx::mbarrier_init(base(), 1);
    cluster_sync();
    if (thread() == 0 && rank() == 0) ptx::bulk_load_multicast(base() + 64, kNumbers, 64, base(), 2);
    cluster_sync();
  });
}
TEST(ClusterDefects, SlotRefilledBeforeTheOtherBlockReleasedIt) {
  Options options = cluster_of(2);
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    options.seed = seed;
    const Report report = run(32, 1024, options, [] { ring(2, 4, false, true); });
    ASSERT_FALSE(report.ok) << seed;
    EXPECT_THAT(report.what,
                testing::AnyOf(testing::HasSubstr("still being read by"), testing::HasSubstr("is in flight there"),
                               testing::HasSubstr("RACE: cp.async.bulk.multicast to block 1 of the cluster writes")));
  }
}
TEST(ClusterDefects, WaitForOtherBlocksWithoutTheirScope) {
  expect_report("without the cluster's scope", 32, 1024, cluster_of(2), [] { ring(2, 4, true, true, false); });
}
TEST(ClusterDefects, DivergenceAtTheBarrier) {
  expect_report("warp diverged", 32, 256, cluster_of(2), [] {
    if (rank() == 1 && thread() == 7) {
      ptx::sync_warp();
    } else {
      ptx::cluster_arrive();
    }
    ptx::cluster_wait();
  });
  expect_report("warp diverged", 64, 256, cluster_of(2), [] {
    if (rank() == 1 && thread() == 39) return;
    cluster_sync();
  });
}
TEST(ClusterDefects, ArrivesTwiceOrWaitsWithoutArriving) {
  expect_report("for the second time without barrier.cluster.wait", 32, 256, cluster_of(2), [] {
    ptx::cluster_arrive();
    ptx::cluster_arrive();
  });
  expect_report("barrier.cluster.wait without barrier.cluster.arrive", 32, 256, cluster_of(2),
                [] { ptx::cluster_wait(); });
}
TEST(ClusterDefects, MaskOutsideTheCluster) {
  for (const uint16_t mask : {uint16_t{4}, uint16_t{7}, uint16_t{0}}) {
    expect_report("names blocks outside the cluster", 32, 1024, cluster_of(2), [=] {
      const uint32_t full = barrier_of_all();
      if (thread() == 0) ptx::bulk_load_multicast(base() + 64, kNumbers, 64, full, mask);
      cluster_sync();
    });
  }
  expect_report("mapa names block 2 of the cluster, which has 2", 32, 1024, cluster_of(2),
                [] { ptx::map_shared(base(), 2); });
}
TEST(ClusterDefects, ExpectedBytesOfAnotherBlockMissing) {
  expect_report("-32 bytes missing", 32, 1024, cluster_of(2), [] {
    const uint32_t full = barrier_of_all();
    if (thread() == 0 && rank() == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 64);
      ptx::bulk_load_multicast(base() + 64, kNumbers, 64, full, 3);
    }
    if (thread() == 0 && rank() == 1) ptx::mbarrier_arrive_expect_tx(full, 32);
    ptx::mbarrier_wait(full, 0);
  });
}
TEST(ClusterDefects, DeadlockNamesTheBlock) {
  Options options = cluster_of(2);
  const Report report = launch({4, 1, 1}, 32, 1024, options, [] {
    const uint32_t full = barrier_of_all();
    if (ptx::block_x() == 3) ptx::mbarrier_wait(full, 0);
    cluster_sync();
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.what, testing::HasSubstr("deadlock"));
  EXPECT_THAT(report.what, testing::HasSubstr(
                               "block (3,0,0), number 1 of its cluster\n  warp  0 lanes ffffffff: waits in mbarrier"));
  EXPECT_THAT(report.what,
              testing::HasSubstr(
                  "block (2,0,0), number 0 of its cluster\n  warp  0 lanes ffffffff: waits in barrier.cluster.wait"));
  EXPECT_THAT(report.what, testing::HasSubstr("[32 threads of the cluster have not arrived]"));
}
TEST(ClusterDefects, WrongCard) {
  Options options;
  options.arch = 89;
  expect_report("barrier.cluster.arrive needs sm_90", 32, 1024, options, [] { ptx::cluster_arrive(); });
}

}  // namespace
}  // namespace leno::simt
