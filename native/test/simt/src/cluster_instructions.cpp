#include "cluster.h"
#include "collectives.h"
#include "text.h"

// Barriers of the cluster and arrivals at barriers of other blocks. An address in another block is the block's rank
// plus one above the bits of an address: no address of the block's own window is one.
namespace leno::simt {
namespace {
constexpr uint32_t kRankShift = 24;
}

void cluster_arrive(Location at) {
  require(90, "barrier.cluster.arrive", at);
  int nothing = 0;
  warp_collective(0, "barrier.cluster.arrive", nothing, at, [&](auto&) {
    Block& b = block();
    for (uint32_t lane = 0; lane < 32; ++lane) {
      Thread& t = b.threads[self().warp * 32u + lane];
      if (t.in_cluster_barrier) b.fail("barrier.cluster.arrive for the second time without barrier.cluster.wait", at);
      b.cluster.arrive(t);
    }
  });
}

void cluster_wait(Location at) {
  require(90, "barrier.cluster.wait", at);
  int nothing = 0;
  warp_collective(0, "barrier.cluster.wait", nothing, at, [](auto&) {});
  Block& b = block();
  Thread& t = self();
  Cluster& cluster = b.cluster;
  if (!t.in_cluster_barrier) b.fail("barrier.cluster.wait without barrier.cluster.arrive", at);
  t.in_cluster_barrier = false;
  if (t.cluster_phase != cluster.phase) {
    cluster.blocks[0]->acquire(t, cluster.done);
    return;
  }
  cluster.waiting.push_back({&b, t.index});
  b.wait("barrier.cluster.wait", 0, 0, at);
}

uint32_t map_shared(uint32_t address, uint32_t rank, Location at) {
  require(90, "mapa", at);
  Block& b = block();
  if (rank >= b.cluster.size())
    b.fail(text("mapa names block %u of the cluster, which has %u (outside the cluster)", rank, b.cluster.size()), at);
  return (rank + 1) << kRankShift | address;
}

void mbarrier_arrive_remote(uint32_t address, Location at) {
  require(90, "mbarrier.arrive.shared::cluster", at);
  Block& b = block();
  Thread& t = self();
  b.preempt(at);
  if (address >> kRankShift == 0) b.fail(text("0x%x is no address that mapa gave", address), at);
  const uint32_t rank = (address >> kRankShift) - 1, local = address & ((1u << kRankShift) - 1);
  const std::string what = text("mbarrier.arrive in block %u of the cluster", rank);
  Block& there = b.cluster.reachable(rank, what.c_str(), at);
  Mbarrier& barrier = there.mbarrier(local, what.c_str(), b.cluster.view(t, there), at);
  if (barrier.pending == 0)
    b.fail(text("%s: more arrivals than the %u that phase %u of mbarrier 0x%x expects", what.c_str(), barrier.count,
                barrier.phase, local),
           at);
  if (&there != &b) {
    barrier.current_remote = true;
    if (b.options.races) {
      const size_t place = (b.rank + b.cluster.size() - there.rank) % b.cluster.size();
      there.reached[place * b.agents + t.index] = {t.clock[t.index], at};
    }
  }
  ++b.counters.remote_arrivals;
  there.release(t, barrier.current);
  --barrier.pending;
  there.check_phase(barrier);
}

}  // namespace leno::simt
