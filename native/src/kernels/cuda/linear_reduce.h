#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/reduce_tile.h"

// The second half of split k: adds the partial sums, always in the same order, and does the epilogue.
namespace leno::kernels::cuda {

// A grid of ceil(slabs / kWarps) x 1 x 1, slabs of one row of slabs neighbours.
template <class Io, class Params>
LENO_DEVICE void reduce_splits(const Params& p) {
  static_assert(Staging<ReduceTile::kTiles>::kBytes == ReduceTile::kStagingBytes, "as the host plans it");
  const int warp = static_cast<int>(ptx::thread_id()) / 32, lane = static_cast<int>(ptx::lane_id());
  const int across = (p.tokens + ReduceTile::kTokens - 1) / ReduceTile::kTokens;
  const int rows = p.groups * p.group_rows;
  const int slab = static_cast<int>(ptx::block_x()) * ReduceTile::kWarps + warp;
  const int row0 = slab / across * 16, token0 = slab % across * ReduceTile::kTokens;
  if (row0 >= rows) return;

  float sums[ReduceTile::kTiles][4] = {};
  const float* from = p.partial + (row0 + lane / 4) * p.ldpartial + token0 + 2 * (lane % 4);
  for (int split = 0; split < p.splits; ++split) {
    LENO_UNROLL
    for (int t = 0; t < ReduceTile::kTiles; ++t) {
      LENO_UNROLL
      for (int h = 0; h < 2; ++h) {
        const auto pair = ptx::load_global(reinterpret_cast<const ptx::Words2*>(from + 8 * h * p.ldpartial + 8 * t));
        sums[t][2 * h] += ptx::bits_float(pair.w[0]);
        sums[t][2 * h + 1] += ptx::bits_float(pair.w[1]);
      }
    }
    from += rows * p.ldpartial;
  }
  const ptx::SharedAddress staging = ptx::shared_memory() + static_cast<uint32_t>(warp * ReduceTile::kStagingBytes);
  stage_slab<ReduceTile::kTiles>(staging, [&](int t, int i) { return sums[t][i]; });
  store_slab<Io, ReduceTile::kTiles>(p, staging, row0, token0);
}

}  // namespace leno::kernels::cuda
