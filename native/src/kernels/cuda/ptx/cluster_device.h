#pragma once

// Clusters of blocks as inline PTX (sm_90). Included by device.h alone.
namespace leno::ptx {

LENO_DEVICE uint32_t cluster_rank() {
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// The barrier of all threads of the cluster: every warp as a whole, arrivals and waits by turns. Threads that have
// ended are not waited for.
LENO_DEVICE void cluster_arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
LENO_DEVICE void cluster_wait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }

// Where the block of that rank has what this block has at `address`.
LENO_DEVICE ClusterAddress map_shared(SharedAddress address, uint32_t rank) {
  ClusterAddress there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there.value) : "r"(address), "r"(rank));
  return there;
}

// An arrival in any block of the cluster. Bytes are expected by a block's own threads only. Whoever waits for arrivals
// of other blocks does so with mbarrier_wait_cluster, or their accesses may come behind what it does next.
LENO_DEVICE void mbarrier_arrive_remote(ClusterAddress barrier) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(barrier.value) : "memory");
}
LENO_DEVICE void mbarrier_wait_cluster(SharedAddress barrier, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}\n"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (done == 0);
}

// Read once, written to the same place in every block whose bit is set; each block's own mbarrier at that place counts
// the bytes. The block itself is one only where its bit is set.
LENO_DEVICE void bulk_load_multicast(SharedAddress to, const void* from, uint32_t bytes, SharedAddress barrier,
                                     uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], "
      "%4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(blocks)
      : "memory");
}

}  // namespace leno::ptx
