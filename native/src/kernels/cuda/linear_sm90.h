#pragma once

#include "kernels/cuda/linear_sm90_epilogue.h"

// y = act(W x + bias) + beta residual on sm_90a: a persistent block per multiprocessor, one warpgroup that gathers and
// two that multiply; alone or in clusters of two that share weights.
namespace leno::kernels::cuda {

template <class Tile, template <class> class Source, class Type>
LENO_DEVICE void linear_sm90(const LinearSm90Params& p) {
  const ptx::SharedAddress base = (ptx::shared_memory() + 1023) & ~1023u;
  const Sm90Ring<Tile> ring(base + Tile::kBarriersAt);
  const uint32_t thread = ptx::thread_id();
  ring.begin(kFullArrivals);
  if (thread >= Tile::kConsumers * 128) {
    ptx::setmaxnreg_dec<Tile::kGatherRegisters>();
    Gather<Tile, Source<Tile>> gather{p, base, ring, thread - Tile::kConsumers * 128};
    gather.run();
  } else {
    ptx::setmaxnreg_inc<Tile::kMultiplyRegisters>();
    Multiply<Tile, Source<Tile>, Type> multiply{p, base, ring, thread};
    const ptx::SharedAddress staging = base + Tile::kStagingAt + thread / 32 * Tile::kStagingBytes;
    TileWalk<Tile> walk(p);
    while (walk.left()) {
      const TileWork<Tile> work = walk.work();
      walk.next();
      walk.ask_group();
      Accumulators<Tile> sums;
      multiply.run(work, sums);
      walk.ask_steps();
      Sm90Epilogue<Tile, Source<Tile>, Type> epilogue{p, multiply, staging};
      epilogue.run(work, sums);
    }
  }
  ring.end();
}

}  // namespace leno::kernels::cuda
