#pragma once

#include "kernels/cuda/linear_sm90_gather.h"

// A warpgroup that multiplies: weights from shared memory to registers, as the fragments that they are stored in,
// times what was gathered. The accumulators of one tile; the ring goes on from tile to tile.
namespace leno::kernels::cuda {

template <class Tile>
using Accumulators = float[Tile::kRowBlocks][Tile::kTokenBlocks][Tile::kAccumulators];

template <class Tile, class Source, class Type>
struct Multiply {
  const LinearSm90Params& p;
  ptx::SharedAddress base;
  Sm90Ring<Tile> ring;
  uint32_t thread;  // of the block's multiplying threads
  typename Ring<Tile::kStages>::Position at{};
  // Fragments of two stages: one is read while the tensor cores work on the other.
  uint32_t weights[2][Tile::kRowBlocks][Tile::kSteps][4] = {};

  LENO_DEVICE uint32_t lane() const { return thread % 32; }
  // Of the tile's fragments of 16 rows, the first of this warp; its others lie 4 apart.
  LENO_DEVICE uint32_t fragment() const {
    const uint32_t warpgroup = Tile::kRowGroups == 2 ? thread / 128 : 0;
    return warpgroup * Tile::kRowBlocks * 4 + thread / 32 % 4;
  }
  // First token of this warpgroup in the tile.
  LENO_DEVICE uint32_t first_token() const { return Tile::kRowGroups == 2 ? 0 : thread / 128 * Tile::kGroupTokens; }

  LENO_DEVICE void run(const TileWork<Tile>& work, Accumulators<Tile>& sums) {
    LENO_UNROLL
    for (int r = 0; r < Tile::kRowBlocks; ++r) {
      LENO_UNROLL
      for (int t = 0; t < Tile::kTokenBlocks; ++t) {
        LENO_UNROLL
        for (int i = 0; i < Tile::kAccumulators; ++i) sums[r][t][i] = 0;
      }
    }
    uint32_t before = Tile::kStages;  // the slot of the stage before; none yet
    for (int32_t stage = work.begin; stage < work.end; stage += 2) {
      multiply<0>(work, stage, sums, before);
      if (stage + 1 < work.end) multiply<1>(work, stage + 1, sums, before);
    }
    ptx::wgmma_wait<0>();
    fence(sums);
    release(before);
  }

  template <int Half>
  LENO_DEVICE void multiply(const TileWork<Tile>& work, int32_t stage, Accumulators<Tile>& sums, uint32_t& before) {
    ring.wait_full(at);
    load<Half>(work.steps_of(stage), static_cast<uint32_t>(work.fragments));
    fence(sums);
    ptx::wgmma_fence();
    const ptx::SharedAddress x = base + at.slot * Tile::kGatherBytes;
    LENO_UNROLL
    for (int s = 0; s < Tile::kSteps; ++s) {
      LENO_UNROLL
      for (int t = 0; t < Tile::kTokenBlocks; ++t) {
        const uint64_t b = Source::descriptor(x, first_token() + t * Tile::kN, s);
        LENO_UNROLL
        for (int r = 0; r < Tile::kRowBlocks; ++r) {
          ptx::Wgmma<Tile::kN>::template rs<Source::kMajor>(sums[r][t], weights[Half][r][s], b, true, Type{});
        }
      }
    }
    ptx::wgmma_commit();
    // All but what was just begun is done: the stage before is free, and so are the fragments that it used.
    ptx::wgmma_wait<1>();
    fence(sums);
    release(before);
    before = at.slot;
    at.advance();
  }

  template <int Half>
  LENO_DEVICE void load(int32_t steps, uint32_t fragments) {
    const ptx::SharedAddress from =
        base + Tile::kStages * Tile::kGatherBytes + at.slot * Tile::kWeightBytes + lane() * 16;
    LENO_UNROLL
    for (int s = 0; s < Tile::kSteps; ++s) {
      LENO_UNROLL
      for (int r = 0; r < Tile::kRowBlocks; ++r) {
        ptx::Words4 words{};
        if (s < steps && fragment() + r * 4 < fragments) {
          words = ptx::load_shared<ptx::Words4>(from + (s * fragments + fragment() + r * 4) * 512);
        }
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) weights[Half][r][s][i] = words.w[i];
      }
    }
  }

  LENO_DEVICE void release(uint32_t slot) {
    ptx::sync_warp();
    if (slot < Tile::kStages && lane() == 0) ring.release(slot);
  }

  static LENO_DEVICE void fence(Accumulators<Tile>& sums) {
    LENO_UNROLL
    for (int r = 0; r < Tile::kRowBlocks; ++r) {
      LENO_UNROLL
      for (int t = 0; t < Tile::kTokenBlocks; ++t) ptx::wgmma_fence_operand(sums[r][t]);
    }
  }
};

}  // namespace leno::kernels::cuda
