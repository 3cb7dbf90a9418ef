#pragma once

#include "kernels/cuda/linear_sm90_scheduler.h"

// How X gets into a stage of shared memory, and how wgmma finds it there: in both layouts rows of 128 bytes, in which
// 16-byte piece j of row r lies at place j ^ (r % 8), the swizzle of 128 bytes. Four warps copy; they access banks
// without conflicts, and global memory in whole sectors.
namespace leno::kernels::cuda {

constexpr int kGatherWarps = 4;

// 16 bytes of X into shared memory; the first `valid` of 8 elements are there, zeros follow.
template <bool Aligned>
LENO_DEVICE void copy_piece(ptx::SharedAddress to, const uint16_t* from, int32_t valid) {
  if constexpr (Aligned) {
    ptx::cp_async_16(to, from, valid >= 8 ? 16u : valid > 0 ? 2 * static_cast<uint32_t>(valid) : 0u);
  } else {
    ptx::Words4 words{};
    LENO_UNROLL
    for (int e = 0; e < 8; ++e) {
      if (e < valid) words.w[e / 2] |= static_cast<uint32_t>(ptx::load_global(from + e)) << (e % 2 * 16);
    }
    ptx::store_shared(to, words);
  }
}

// Feature-major X: the rows that the group's columns name. MN-major for wgmma: for every 64 tokens a chunk of
// kStageColumns rows.
template <class Tile>
struct GatheredRows {
  static constexpr ptx::Major kMajor = ptx::Major::mn;
  static constexpr int kRowsOfWarp = Tile::kStageColumns / kGatherWarps;
  static_assert(kRowsOfWarp <= 32, "a lane keeps the column of one row");

  // Of step s of a stage, from token `token` of the tile on.
  static LENO_DEVICE uint64_t descriptor(ptx::SharedAddress stage, uint32_t token, uint32_t s) {
    return ptx::wgmma_descriptor(stage + token / Tile::kChunkTokens * Tile::kChunkBytes + s * 2048, Tile::kChunkBytes,
                                 1024, ptx::Swizzle::b128);
  }

  const LinearSm90Params& p;
  uint32_t warp, lane;
  // Of X, for row kRowsOfWarp warp + lane of the stage to come and of the one behind it: loads from memory take longer
  // than a stage. -1: zeros.
  int32_t column = -1, column_behind = -1;

  LENO_DEVICE void begin(const TileWork<Tile>& work) {
    column = column_of(work, work.begin);
    column_behind = column_of(work, work.begin + 1);
  }
  // stage has been filled.
  LENO_DEVICE void advance(const TileWork<Tile>& work, int32_t stage) {
    column = column_behind;
    column_behind = column_of(work, stage + 2);
  }
  LENO_DEVICE int32_t column_of(const TileWork<Tile>& work, int32_t stage) const {
    const auto row = static_cast<int32_t>(kRowsOfWarp * warp + lane);
    const bool there = stage < work.end && lane < kRowsOfWarp && row < 16 * work.steps_of(stage);
    return there ? ptx::load_global(p.columns + (int64_t(work.step) + stage * Tile::kSteps) * 16 + row) : -1;
  }

  template <bool Aligned>
  LENO_DEVICE void fill(const TileWork<Tile>& work, int32_t, ptx::SharedAddress to) {
    for (int i = 0; i < kRowsOfWarp; ++i) {
      const int32_t c = ptx::shuffle(column, i);
      const auto* x = static_cast<const uint16_t*>(p.x);
      const auto* from = x + int64_t(c < 0 ? 0 : c) * p.ldx;
      const uint32_t row = kRowsOfWarp * warp + static_cast<uint32_t>(i);
      LENO_UNROLL
      for (uint32_t piece = lane; piece < Tile::kTokens / 8; piece += 32) {
        const int32_t token = work.token + static_cast<int32_t>(piece) * 8;
        const int32_t valid = c < 0 ? 0 : p.tokens - token;
        copy_piece<Aligned>(to + piece / 8 * Tile::kChunkBytes + row * 128 + ((piece % 8 ^ row % 8) << 4),
                            valid > 0 ? from + token : x, valid);
      }
    }
  }
};

// Token-major X with weights that keep every column: K-major for wgmma, a row of 64 columns for every token.
template <class Tile>
struct TokenRows {
  static constexpr ptx::Major kMajor = ptx::Major::k;
  static_assert(Tile::kStageColumns == 64, "128 bytes of a token");

  static LENO_DEVICE uint64_t descriptor(ptx::SharedAddress stage, uint32_t token, uint32_t s) {
    return ptx::wgmma_descriptor(stage + token * 128 + s * 32, 16, 1024, ptx::Swizzle::b128);
  }

  const LinearSm90Params& p;
  uint32_t warp, lane;

  LENO_DEVICE void begin(const TileWork<Tile>&) {}
  LENO_DEVICE void advance(const TileWork<Tile>&, int32_t) {}

  template <bool Aligned>
  LENO_DEVICE void fill(const TileWork<Tile>& work, int32_t stage, ptx::SharedAddress to) {
    const int32_t column = stage * Tile::kStageColumns + static_cast<int32_t>(lane % 8) * 8;
    const uint32_t row = warp * 4 + lane / 8;  // and every 16th from there on: the same place in each
    to += row * 128 + ((lane % 8 ^ row % 8) << 4);
    int32_t token = work.token + static_cast<int32_t>(row);
    const auto* x = static_cast<const uint16_t*>(p.x);
    const auto* from = x + token * p.ldx + column;
    for (int i = 0; i < Tile::kTokens / 16; ++i) {
      const int32_t valid = token < p.tokens ? p.k - column : 0;
      copy_piece<Aligned>(to, valid > 0 ? from : x, valid);
      to += 16 * 128;
      token += 16;
      from += 16 * p.ldx;
    }
  }
};

}  // namespace leno::kernels::cuda
