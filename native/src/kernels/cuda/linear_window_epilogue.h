#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_window_multiply.h"

// From accumulators, tokens x rows, to y: 64 rows of a warpgroup's 64 tokens at a time are turned through shared
// memory, where the window was, and leave as the slabs of epilogue.h, a warp's each 16 rows.
namespace leno::kernels::cuda {

template <class Tile, class Type>
struct WindowEpilogue {
  const LinearParams& p;
  const WindowWork<Tile>& work;
  ptx::SharedAddress base;
  uint32_t thread;  // of the block's multiplying threads

  using Slab = Staging<8>;
  static constexpr int kSlabs = 4;  // a warp stores one of them
  static_assert(8 * Slab::kBytes <= Tile::kRing * Tile::kPitch, "the staging of both warpgroups");

  LENO_DEVICE void run(const WindowSums<Tile>& sums) {
    const int32_t row0 = work.slice * Tile::kRows, token0 = work.token + static_cast<int32_t>(thread / 128) * 64;
    if (p.splits > 1) {
      store_partial_sums(sums, row0, token0);
      return;
    }
    ptx::bar_sync<1, 256>();  // nobody reads the window any more
    const ptx::SharedAddress staging = base + thread / 128 * kSlabs * Slab::kBytes;
    const uint32_t warp = thread / 32 % 4;
    LENO_UNROLL
    for (int block = 0; block < Tile::kRows / (16 * kSlabs); ++block) {
      stage(sums, block, staging);
      sync_warpgroup();
      store_slab<Type, 8>(p, staging + warp * Slab::kBytes, row0 + (block * kSlabs + static_cast<int>(warp)) * 16,
                          token0);
      sync_warpgroup();
    }
  }

  LENO_DEVICE void sync_warpgroup() const {
    if (thread < 128) {
      ptx::bar_sync<2, 128>();
    } else {
      ptx::bar_sync<3, 128>();
    }
  }

  // Accumulator i of all those of a slice, however they are grouped: row 8 (i / 4) + 2 (lane % 4) + i % 2, token
  // lane / 4 + 8 (i / 2 % 2) of the warp's 16.
  static LENO_DEVICE float sum_of(const WindowSums<Tile>& sums, int i) {
    return sums[i / (Tile::kN / 2)][i % (Tile::kN / 2)];
  }

  LENO_DEVICE void stage(const WindowSums<Tile>& sums, int block, ptx::SharedAddress staging) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32 % 4);
    const int flip = lane % 4 / 2;  // of two rows, which comes first: a warp's rows lie in different banks
    LENO_UNROLL
    for (int i = 0; i < 8 * kSlabs; ++i) {
      const float even = sum_of(sums, block * 8 * kSlabs + (i & ~1)), odd = sum_of(sums, block * 8 * kSlabs + (i | 1));
      const int row = i / 4 % 2 * 8 + 2 * (lane % 4) + (i % 2 ^ flip);
      const int token = warp * 16 + lane / 4 + 8 * (i / 2 % 2);
      const float v = (i % 2 ^ flip) != 0 ? odd : even;
      ptx::store_shared(staging + static_cast<uint32_t>(i / 8) * Slab::kBytes + Slab::at(row, token),
                        ptx::float_bits(v));
    }
  }

  // For reduce_splits: 8 lanes fill a sector.
  LENO_DEVICE void store_partial_sums(const WindowSums<Tile>& sums, int32_t row0, int32_t token0) const {
    const int lane = static_cast<int>(thread % 32), warp = static_cast<int>(thread / 32 % 4);
    const int64_t row = int64_t(work.split) * p.groups * p.group_rows + row0 + 2 * (lane % 4);
    float* to = p.partial + row * p.ldpartial + token0 + warp * 16 + lane / 4;
    LENO_UNROLL
    for (int i = 0; i < Tile::kRows / 2; ++i) {
      ptx::store_global(to + (8 * (i / 4) + i % 2) * p.ldpartial + 8 * (i / 2 % 2), sum_of(sums, i));
    }
  }
};

}  // namespace leno::kernels::cuda
