#pragma once

#include "kernels/cuda/linear_sm90_tile.h"
#include "kernels/cuda/pipeline.h"

// The ring of a block, and what ties it to the ring of the other block of a cluster.
//
// Both blocks go through the same stages. The weights of a slot are loaded by the block whose rank is the slot's lowest
// bit, for both, once the warps that multiply have released the slot in both: those of the other block say so with an
// arrival at this block's `returned`. X is each block's own, and needs but its own block's release. Bytes are expected
// by each block for itself.
namespace leno::kernels::cuda {

constexpr uint32_t kEmptyArrivals = 8;  // warps that multiply

template <class Tile>
struct Sm90Ring : Ring<Tile::kStages> {
  static constexpr bool kPaired = Tile::kCluster > 1;
  using Position = typename Ring<Tile::kStages>::Position;

  LENO_DEVICE explicit Sm90Ring(ptx::SharedAddress at) : Ring<Tile::kStages>{at} {}

  LENO_DEVICE ptx::SharedAddress returned(uint32_t slot) const {
    return this->barriers + 8 * (2 * Tile::kStages + slot);
  }

  // By all threads.
  LENO_DEVICE void begin(uint32_t writers) const {
    if (ptx::thread_id() == 0) {
      if constexpr (kPaired) {
        for (uint32_t slot = 0; slot < Tile::kStages; ++slot) ptx::mbarrier_init(returned(slot), kEmptyArrivals);
      }
      this->init(writers, kEmptyArrivals);
    }
    sync_cluster();
  }
  // A block's barriers are there until the other one has ended too.
  LENO_DEVICE void end() const {
    if constexpr (kPaired) sync_cluster();
  }

  static LENO_DEVICE bool loads_weights(uint32_t slot) { return !kPaired || slot % 2 == ptx::cluster_rank(); }

  // By the thread that loads the slot's weights, after wait_empty().
  LENO_DEVICE void wait_returned(const Position& at) const {
    if constexpr (kPaired) ptx::mbarrier_wait_cluster(returned(at.slot), at.round ^ 1);
  }
  // Into the slot at the same place of every block of the cluster.
  LENO_DEVICE void load_weights(ptx::SharedAddress to, const void* from, uint32_t bytes, uint32_t slot) const {
    if constexpr (kPaired) {
      ptx::bulk_load_multicast(to, from, bytes, this->full(slot), 3);
    } else {
      ptx::bulk_load(to, from, bytes, this->full(slot));
    }
  }

  // By one lane of each warp that multiplies.
  LENO_DEVICE void release(uint32_t slot) const {
    ptx::mbarrier_arrive(this->empty(slot));
    if constexpr (kPaired) {
      if (!loads_weights(slot)) ptx::mbarrier_arrive_remote(ptx::map_shared(returned(slot), slot % 2));
    }
  }

 private:
  static LENO_DEVICE void sync_cluster() {
    if constexpr (kPaired) {
      ptx::cluster_arrive();
      ptx::cluster_wait();
    } else {
      ptx::sync_threads();
    }
  }
};

}  // namespace leno::kernels::cuda
