#include "conformance/params.h"
#include "kernels/cuda/entry.h"

// Clusters of two blocks and of four: who is who, multicast copies, arrivals in the other block.
namespace leno::conformance {
namespace {

constexpr uint32_t kBarriers = 16384;  // offset of the mbarriers in shared memory
// Of all blocks of a cluster.
template <uint32_t Blocks>
constexpr uint16_t kAll = (1 << Blocks) - 1;

LENO_DEVICE void cluster_sync() {
  ptx::cluster_arrive();
  ptx::cluster_wait();
}
LENO_DEVICE ptx::SharedAddress make_barriers(uint32_t first, uint32_t second) {
  const ptx::SharedAddress barriers = ptx::shared_memory() + kBarriers;
  if (ptx::thread_id() == 0) {
    ptx::mbarrier_init(barriers, first);
    ptx::mbarrier_init(barriers + 8, second);
    ptx::fence_mbarrier_init();
  }
  cluster_sync();
  return barriers;
}

LENO_DEVICE void cluster_identity(const Params& p) {
  ptx::store_global(p.out + ptx::block_x() * 128 + ptx::thread_id(), ptx::cluster_rank());
}

// Each block brings a share to all.
template <uint32_t Blocks>
LENO_DEVICE void cluster_multicast(const Params& p) {
  const ptx::SharedAddress full = make_barriers(1, 1);
  const uint32_t thread = ptx::thread_id(), rank = ptx::cluster_rank();
  if (thread == 0) {
    ptx::mbarrier_arrive_expect_tx(full, Blocks * 4096);
    ptx::bulk_load_multicast(ptx::shared_memory() + rank * 4096, p.in + ptx::block_x() * 1024, 4096, full,
                             kAll<Blocks>);
  }
  ptx::mbarrier_wait(full, 0);
  for (uint32_t i = thread; i < Blocks * 1024; i += 128) {
    ptx::store_global(p.out + ptx::block_x() * Blocks * 1024 + i,
                      ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * i));
  }
}

// One slot, which block 0 fills for all as soon as all warps of all have released it.
template <uint32_t Blocks>
LENO_DEVICE void cluster_ring(const Params& p) {
  const ptx::SharedAddress full = make_barriers(1, 4 * Blocks), empty = full + 8;
  const uint32_t thread = ptx::thread_id(), rank = ptx::cluster_rank();
  const ptx::ClusterAddress release = ptx::map_shared(empty, 0);
  for (uint32_t round = 0; round < 6; ++round) {
    if (thread == 0) {
      ptx::mbarrier_arrive_expect_tx(full, 512);
      if (rank == 0) {
        if (round > 0) ptx::mbarrier_wait_cluster(empty, (round - 1) & 1);
        ptx::bulk_load_multicast(ptx::shared_memory(), p.in + 128 * round, 512, full, kAll<Blocks>);
      }
    }
    ptx::mbarrier_wait(full, round & 1);
    const uint32_t word = ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * (thread ^ rank));
    ptx::store_global(p.out + (ptx::block_x() * 6 + round) * 128 + thread, word);
    ptx::sync_warp();
    if (thread % 32 == 0) ptx::mbarrier_arrive_remote(release);
  }
  cluster_sync();
}

// As the window kernels share X: every block brings its part of the slot to all, once all warps of all have told it
// that they have released theirs.
template <uint32_t Blocks>
LENO_DEVICE void cluster_shares(const Params& p) {
  constexpr uint32_t kShare = 512 / Blocks;
  const ptx::SharedAddress full = make_barriers(1, 4 * Blocks), empty = full + 8;
  const uint32_t thread = ptx::thread_id(), rank = ptx::cluster_rank();
  for (uint32_t round = 0; round < 6; ++round) {
    if (thread == 0) {
      if (round > 0) ptx::mbarrier_wait_cluster(empty, (round - 1) & 1);
      ptx::mbarrier_arrive_expect_tx(full, 512);
      ptx::bulk_load_multicast(ptx::shared_memory() + rank * kShare, p.in + 128 * round + rank * kShare / 4, kShare,
                               full, kAll<Blocks>);
    }
    ptx::mbarrier_wait(full, round & 1);
    const uint32_t word = ptx::load_shared<uint32_t>(ptx::shared_memory() + 4 * (thread ^ rank));
    ptx::store_global(p.out + (ptx::block_x() * 6 + round) * 128 + thread, word);
    ptx::sync_warp();
    if (thread % 32 == 0) {
      for (uint32_t block = 0; block < Blocks; ++block) ptx::mbarrier_arrive_remote(ptx::map_shared(empty, block));
    }
  }
  cluster_sync();
}

}  // namespace

LENO_CUDA_CLUSTER_ENTRY(conformance_cluster_identity, 128, 2, Params, cluster_identity)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster_multicast, 128, 2, Params, cluster_multicast<2>)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster_ring, 128, 2, Params, cluster_ring<2>)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster4_identity, 128, 4, Params, cluster_identity)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster4_multicast, 128, 4, Params, cluster_multicast<4>)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster4_ring, 128, 4, Params, cluster_ring<4>)
LENO_CUDA_CLUSTER_ENTRY(conformance_cluster4_shares, 128, 4, Params, cluster_shares<4>)

}  // namespace leno::conformance
