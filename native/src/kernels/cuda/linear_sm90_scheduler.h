#pragma once

#include "kernels/cuda/linear_sm90_tile.h"
#include "kernels/cuda/ptx/ptx.h"

// Which tiles a block of the persistent grid computes, the same for the warps that gather and those that multiply.
namespace leno::kernels::cuda {

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

// Walks over the list: slab by slab of tokens; in a slab the longest group first, so that the last tiles are short;
// splits and tokens of a group side by side, so that its weights are read from the L2. Each round of the grid takes one
// tile a block, there and back: who had the longest of a round has the shortest of the next. The blocks of a cluster
// walk together; the tokens of the last tile may end before its second block's begin, which then works on zeros.
//
// What a tile is comes from memory, one load behind the other: ask_group() and, later, ask_steps() begin the loads for
// the tile that next() went to, long before work() needs them.
template <class Tile>
struct TileWalk {
  const LinearSm90Params& p;
  int32_t tile = 0;
  int32_t in_slab = 0, of_slice = 1, width = 1, slab = 0;
  int32_t group = 0, first = 0, end = 0;

  LENO_DEVICE explicit TileWalk(const LinearSm90Params& params) : p(params) {
    place(0);
    ask_group();
    ask_steps();
  }
  LENO_DEVICE bool left() const { return tile < p.tiles; }
  LENO_DEVICE void next() { place(tile / clusters() + 1); }
  LENO_DEVICE void ask_group() {
    if (left()) group = ptx::load_global(p.order + in_slab / of_slice / p.slices);
  }
  LENO_DEVICE void ask_steps() {
    if (!left()) return;
    first = ptx::load_global(p.starts + group);
    end = ptx::load_global(p.starts + group + 1);
  }

  LENO_DEVICE TileWork<Tile> work() const {
    const int32_t in_slice = in_slab % of_slice;
    TileWork<Tile> work;
    work.group = group;
    work.token = (slab * p.slab + in_slice % width) * (Tile::kTokens * Tile::kCluster);
    if constexpr (Tile::kCluster > 1) work.token += static_cast<int32_t>(ptx::cluster_rank()) * Tile::kTokens;
    work.split = in_slice / width;
    work.first_fragment = in_slab / of_slice % p.slices * (Tile::kRows / 16);
    const int32_t fragments = p.group_rows / 16 - work.first_fragment;
    work.fragments = fragments < Tile::kRows / 16 ? fragments : Tile::kRows / 16;
    work.step = first;
    work.steps = end - first;
    const int32_t stages = (work.steps + Tile::kSteps - 1) / Tile::kSteps;
    work.begin = static_cast<int32_t>(int64_t(stages) * work.split / p.splits);
    work.end = static_cast<int32_t>(int64_t(stages) * (work.split + 1) / p.splits);
    return work;
  }

 private:
  static LENO_DEVICE int32_t clusters() { return static_cast<int32_t>(ptx::grid_x()) / Tile::kCluster; }
  LENO_DEVICE void place(int32_t round) {
    const auto cluster = static_cast<int32_t>(ptx::block_x()) / Tile::kCluster;
    tile = round * clusters() + (round % 2 == 0 ? cluster : clusters() - 1 - cluster);
    const int32_t of_slab = p.groups * p.slices * p.slab * p.splits;
    slab = tile / of_slab;
    in_slab = tile - slab * of_slab;
    const int32_t tiles_left = p.token_tiles - slab * p.slab;
    width = tiles_left < p.slab ? tiles_left : p.slab;
    of_slice = width * p.splits;
  }
};

}  // namespace leno::kernels::cuda
