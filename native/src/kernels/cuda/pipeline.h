#pragma once

#include "kernels/cuda/ptx/ptx.h"

// A ring of stages in shared memory between warps that fill them and warps that use them.
namespace leno::kernels::cuda {

// Where a warp stands in the ring. Barriers change phase once a round, so the parity of the round says what to wait
// for.
template <int Stages>
struct RingPosition {
  uint32_t slot = 0;
  uint32_t round = 0;  // its lowest bit
  LENO_DEVICE void advance() {
    if (++slot == Stages) {
      slot = 0;
      round ^= 1;
    }
  }
};

// Two mbarriers a stage: full (written, may be read) and empty (read, may be written).
template <int Stages>
struct Ring {
  ptx::SharedAddress barriers;

  LENO_DEVICE ptx::SharedAddress full(uint32_t slot) const { return barriers + 8 * slot; }
  LENO_DEVICE ptx::SharedAddress empty(uint32_t slot) const { return barriers + 8 * (Stages + slot); }

  // By one thread, before a barrier of the block.
  LENO_DEVICE void init(uint32_t writers, uint32_t readers) const {
    for (uint32_t slot = 0; slot < Stages; ++slot) {
      ptx::mbarrier_init(full(slot), writers);
      ptx::mbarrier_init(empty(slot), readers);
    }
    ptx::fence_mbarrier_init();
  }

  using Position = RingPosition<Stages>;
  LENO_DEVICE void wait_full(const Position& at) const { ptx::mbarrier_wait(full(at.slot), at.round); }
  // The first round finds every stage empty.
  LENO_DEVICE void wait_empty(const Position& at) const { ptx::mbarrier_wait(empty(at.slot), at.round ^ 1); }
};

}  // namespace leno::kernels::cuda
