#pragma once

#include "kernels/cuda/linear_window_epilogue.h"

// y = act(W x + bias) + beta residual on sm_90a with the operands changed over: a block multiplies a slice of 256
// packed rows, several groups, with 128 tokens, and X comes to shared memory once for all of them. X is feature-major.
// Grid: slices, rounded up to whole clusters, x token tiles; splits.
namespace leno::kernels::cuda {

template <class Tile, class Type>
LENO_DEVICE void linear_window(const LinearParams& p) {
  const ptx::SharedAddress base = ptx::shared_memory();
  const uint32_t thread = ptx::thread_id();
  const WindowWork<Tile> work(p);
  if (thread == 0) {
    Ring<Tile::kChunks>{base + Tile::kXBarriersAt}.init(kWindowXArrivals, kWindowReaders * Tile::kCluster);
    Ring<Tile::kStages>{base + Tile::kStepBarriersAt}.init(kWindowStepArrivals, kWindowReaders);
  }
  clear_window<Tile>(p, work, base, thread);
  if constexpr (Tile::kCluster > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  } else {
    ptx::sync_threads();
  }
  if (thread >= 256) {
    ptx::setmaxnreg_dec<Tile::kLoadRegisters>();
    WindowLoad<Tile> load{p, work, base, (thread - 256) / 32, thread % 32};
    load.run();
  } else {
    ptx::setmaxnreg_inc<Tile::kMultiplyRegisters>();
    WindowSums<Tile> sums;
    WindowMultiply<Tile, Type> multiply{work, base, thread};
    multiply.run(sums);
    WindowEpilogue<Tile, Type> epilogue{p, work, base, thread};
    if (work.has_slice(p)) epilogue.run(sums);
  }
  if constexpr (Tile::kCluster > 1) {  // nobody reaches for a block that has ended
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
}

}  // namespace leno::kernels::cuda
