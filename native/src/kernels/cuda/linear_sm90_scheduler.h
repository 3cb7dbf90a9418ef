#pragma once

#include "kernels/cuda/linear_sm90_tile.h"
#include "kernels/cuda/ptx/ptx.h"

// Which tiles a block of the persistent grid computes, the same for the warps that gather and those that multiply.
namespace leno::kernels::cuda {

// One tile of each round of the grid over the list of tiles, there and back: who had the longest of a round has the
// shortest of the next.
struct TileList {
  int32_t round = 0;
  LENO_DEVICE bool left(const LinearSm90Params& p) const {
    return round * static_cast<int32_t>(ptx::grid_x()) < p.tiles;
  }
  LENO_DEVICE void next() { ++round; }
  LENO_DEVICE int32_t tile() const {
    const auto blocks = static_cast<int32_t>(ptx::grid_x()), block = static_cast<int32_t>(ptx::block_x());
    return round * blocks + (round % 2 == 0 ? block : blocks - 1 - block);
  }
};

template <class Tile>
struct TileWork {
  int32_t group, token, split;        // token: the first
  int32_t first_fragment, fragments;  // of 16 rows: where the tile begins in the group, how many it has
  int32_t step, steps;                // first k-step of the group, k-steps of the group
  int32_t begin, end;                 // stages of this tile

  // k-steps that are there of a stage; the ring's stage is filled up with zeros.
  LENO_DEVICE int32_t steps_of(int32_t stage) const {
    const int32_t left = steps - stage * Tile::kSteps;
    return left < Tile::kSteps ? left : Tile::kSteps;
  }
};

// Slab by slab of tokens; in a slab the longest group first, so that the last tiles are short; splits and tokens of a
// group side by side, so that its weights are read from the L2.
template <class Tile>
LENO_DEVICE TileWork<Tile> tile_work(const LinearSm90Params& p, int32_t tile) {
  const int32_t of_slab = p.groups * p.slices * p.slab * p.splits;
  const int32_t slab = tile / of_slab;
  const int32_t left = p.token_tiles - slab * p.slab;
  const int32_t width = left < p.slab ? left : p.slab;
  const int32_t in_slab = tile - slab * of_slab;
  const int32_t of_slice = width * p.splits;
  const int32_t slice = in_slab / of_slice % p.slices;
  const int32_t in_slice = in_slab % of_slice;
  TileWork<Tile> work;
  work.group = ptx::load_global(p.order + in_slab / of_slice / p.slices);
  work.token = (slab * p.slab + in_slice % width) * Tile::kTokens;
  work.split = in_slice / width;
  work.first_fragment = slice * (Tile::kRows / 16);
  const int32_t fragments = p.group_rows / 16 - work.first_fragment;
  work.fragments = fragments < Tile::kRows / 16 ? fragments : Tile::kRows / 16;
  work.step = ptx::load_global(p.starts + work.group);
  work.steps = ptx::load_global(p.starts + work.group + 1) - work.step;
  const int32_t stages = (work.steps + Tile::kSteps - 1) / Tile::kSteps;
  work.begin = static_cast<int32_t>(int64_t(stages) * work.split / p.splits);
  work.end = static_cast<int32_t>(int64_t(stages) * (work.split + 1) / p.splits);
  return work;
}

}  // namespace leno::kernels::cuda
