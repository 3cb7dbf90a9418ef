#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "kernels/cuda/linear_skip_stage.h"
#include "kernels/cuda/x_source.h"

// y = act(W x + bias) + beta residual with mma.sync m16n8k16, operands swapped: tokens are the rows of the product and
// packed rows its columns, so that 8 rows of weights are an operand of their own. A block has 64 rows and 128 tokens;
// it walks the columns that any of its rows keeps, kColumns a stage, and holds the last kWindow stages of X in a ring.
// A unit of rows multiplies its own columns only, 16 at a time, as soon as the ring holds them: ldmatrix takes the
// address of each row from the step, so that the gather costs nothing. How many steps a unit has in a stage is the same
// for all lanes of its warps; barriers are met by all.
namespace leno::kernels::cuda {

template <class Tile, class Copy, class X>
struct SkipMmaCopy {
  static_assert(X::Sizes::kThreads == Tile::kThreads && X::Sizes::kN == Tile::kN && X::Sizes::kK == Tile::kColumns);
  X x;
  template <class Params>
  LENO_DEVICE SkipMmaCopy(const Params& p, int token0) : x(p, token0) {}

  LENO_DEVICE void fetch(const LinearParams& p, ptx::SharedAddress info, ptx::SharedAddress rows,
                         ptx::SharedAddress weights) const {
    LENO_UNROLL
    for (int i = 0; i < X::kCopies; ++i) {
      Copy::copy(x.to(rows, i), x.from(i, 0, skip_column(info, x.row_of(i))));
    }
    const uint32_t first = step(info, 0), end = step(info, Tile::kUnits);
    const auto* from = static_cast<const unsigned char*>(p.values) + int64_t(first) * Tile::Step::kBytes;
    const uint32_t bytes = (end - first) * Tile::Step::kBytes;
    LENO_ROLL
    for (uint32_t at = 16 * ptx::thread_id(); at < bytes; at += 16 * Tile::kThreads) {
      ptx::cp_async_16(weights + at, from + at);
    }
  }
  LENO_DEVICE void fetch_info(const LinearParams& p, int stage, ptx::SharedAddress to) const {
    if (ptx::thread_id() >= Tile::kInfoBytes / 16) return;
    const auto* from = reinterpret_cast<const ptx::Words4*>(p.columns) + int64_t(stage) * (Tile::kInfoBytes / 16);
    ptx::cp_async_16(to + 16 * ptx::thread_id(), from + ptx::thread_id());
  }
  static LENO_DEVICE uint32_t step(ptx::SharedAddress info, int unit) {
    return ptx::load_shared<uint32_t>(info + static_cast<uint32_t>(4 * (Tile::kColumns + unit)));
  }
};

// A warp's sums: its unit of rows times kWarpN tokens.
template <class Tile, class Io>
struct SkipMmaProduct {
  float sums[Tile::kTilesN][Tile::kSlices][4] = {};
  int lane, unit, token0;

  LENO_DEVICE SkipMmaProduct() {
    const int warp = static_cast<int>(ptx::thread_id()) / 32;
    lane = static_cast<int>(ptx::lane_id());
    unit = warp % Tile::kUnits;
    token0 = warp / Tile::kUnits * Tile::kWarpN;
  }

  // ring: of X; steps: the unit's first k-step of the stage.
  LENO_DEVICE void multiply(ptx::SharedAddress ring, ptx::SharedAddress steps, uint32_t count) {
    LENO_ROLL
    for (; count > 0; --count, steps += Tile::Step::kBytes) {
      uint32_t w[Tile::kSlices][2];
      load_weights(steps, w);
      // Matrices of ldmatrix: tokens 0 .. 7 and 8 .. 15 of columns 0 .. 7, then of columns 8 .. 15.
      const int column = lane % 8 + lane / 16 * 8;
      const uint32_t row =
          ptx::load_shared<uint16_t>(steps + Tile::Step::kWeightBytes + static_cast<uint32_t>(2 * column));
      const ptx::SharedAddress of_row = ring + row * Tile::kRowBytes;
      LENO_UNROLL
      for (int t = 0; t < Tile::kTilesN; ++t) {
        uint32_t x[4];
        const uint32_t chunk = static_cast<uint32_t>(token0 / 8 + 2 * t + lane / 8 % 2);
        ptx::ldmatrix_x4_trans(x, of_row + ((chunk ^ (row & 7)) * 16));
        LENO_UNROLL
        for (int s = 0; s < Tile::kSlices; ++s) ptx::mma_m16n8k16(sums[t][s], x, w[s], Io{});
      }
    }
  }
  LENO_DEVICE void load_weights(ptx::SharedAddress step, uint32_t (&w)[Tile::kSlices][2]) const {
    const ptx::SharedAddress mine = step + static_cast<uint32_t>(lane * Tile::Step::kLaneBytes);
    if constexpr (Tile::kSlices == 1) {
      const auto two = ptx::load_shared<ptx::Words2>(mine);
      w[0][0] = two.w[0];
      w[0][1] = two.w[1];
    } else {
      LENO_UNROLL
      for (int s = 0; s < Tile::kSlices; s += 2) {
        const auto four = ptx::load_shared<ptx::Words4>(mine + static_cast<uint32_t>(s / 2 * Tile::Step::kPairBytes));
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) w[s + i / 2][i % 2] = four.w[i];
      }
    }
  }

  // Puts the sums into the block's slabs. Lanes of which the rows share banks take theirs in another order.
  LENO_DEVICE void stage(ptx::SharedAddress slabs) const {
    LENO_UNROLL
    for (int t = 0; t < Tile::kTilesN; ++t) {
      LENO_UNROLL
      for (int s = 0; s < Tile::kSlices; ++s) {
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) {
          const int odd = lane % 4 / 2 ^ i % 2;
          const float of_even = sums[t][s][i & 2], of_odd = sums[t][s][i | 1];
          const int row = unit * 8 * Tile::kSlices + 8 * s + 2 * (lane % 4) + odd;
          const int token = token0 + 16 * t + lane / 4 + i / 2 * 8;
          const int slab = row / 16 * 2 + token / 64;
          ptx::store_shared(slabs + static_cast<uint32_t>(slab * Tile::kSlabBytes) +
                                Staging<Tile::kSlabTiles>::at(row % 16, token % 64),
                            odd ? of_odd : of_even);
        }
      }
    }
  }
};

// A slab as it is, for reduce_splits.
template <int Tiles>
LENO_DEVICE void store_staged_partial(const LinearParams& p, ptx::SharedAddress staging, int split, int row0,
                                      int token0) {
  const int lane = static_cast<int>(ptx::lane_id());
  LENO_ROLL
  for (int i = lane; i < 16 * 2 * Tiles; i += 32) {
    const int row = i / (2 * Tiles), token = i % (2 * Tiles) * 4;
    const auto four = ptx::load_shared<ptx::Words4>(staging + Staging<Tiles>::at(row, token));
    float* to = p.partial + (int64_t(split) * p.groups * p.group_rows + row0 + row) * p.ldpartial + token0 + token;
    ptx::store_global(reinterpret_cast<ptx::Words4*>(to), four);
  }
}

// Params: LinearParams, or what a source of X and a write-back of their own add to them.
template <class Io, class Tile, class CopyX, class X, class Params>
LENO_DEVICE void linear_skip_mma(const Params& p) {
  constexpr int kAhead = Tile::kAhead;
  const SkipWork work = SkipWork::mine<Tile>(p);
  // Of a split, the first steps may need columns of stages before it.
  const int tile_begin = ptx::load_global(p.starts + work.group);
  const int begin = work.begin - tile_begin < Tile::kWindow ? tile_begin : work.begin - (Tile::kWindow - 1);
  const ptx::SharedAddress shared = ptx::shared_memory();
  const auto rows = [&](int stage) {
    return shared + static_cast<uint32_t>((stage - tile_begin) % Tile::kSlots * Tile::kColumns * Tile::kRowBytes);
  };
  const auto weights = [&](int stage) {
    return shared + static_cast<uint32_t>(Tile::kWeightsAt + stage % Tile::kWeightSlots * Tile::kWeightBytes);
  };
  const auto info = [&](int stage) {
    return shared + static_cast<uint32_t>(Tile::kInfoAt + stage % Tile::kInfos * Tile::kInfoBytes);
  };
  const SkipMmaCopy<Tile, CopyX, X> copy(p, work.token0);
  static_assert((Tile::kRows - Tile::kZeros) * Tile::kRowBytes <= 16 * Tile::kThreads);
  if (ptx::thread_id() < (Tile::kRows - Tile::kZeros) * Tile::kRowBytes / 16) {
    ptx::store_shared(shared + Tile::kZeros * Tile::kRowBytes + 16 * ptx::thread_id(), ptx::Words4{{0, 0, 0, 0}});
  }
  LENO_ROLL
  for (int stage = begin; stage < begin + 2 * kAhead && stage < work.end; ++stage) {
    copy.fetch_info(p, stage, info(stage));
  }
  ptx::cp_async_commit();
  ptx::cp_async_wait<0>();
  ptx::sync_threads();
  LENO_ROLL
  for (int stage = begin; stage < begin + kAhead; ++stage) {
    if (stage < work.end) copy.fetch(p, info(stage), rows(stage), weights(stage));
    ptx::cp_async_commit();
  }
  SkipMmaProduct<Tile, Io> product;
  LENO_ROLL
  for (int stage = begin; stage < work.end; ++stage) {
    ptx::cp_async_wait<kAhead - 1>();
    ptx::sync_threads();  // the stage is there for all, and what the next one replaces is read
    const int next = stage + kAhead;
    if (next < work.end) copy.fetch(p, info(next), rows(next), weights(next));
    if (next + kAhead < work.end) copy.fetch_info(p, next + kAhead, info(next + kAhead));
    ptx::cp_async_commit();
    if (stage < work.begin) continue;
    const ptx::SharedAddress known = info(stage);
    const uint32_t first = copy.step(known, product.unit), count = copy.step(known, product.unit + 1) - first;
    product.multiply(shared, weights(stage) + (first - copy.step(known, 0)) * Tile::Step::kBytes, count);
  }
  ptx::cp_async_wait<0>();
  ptx::sync_threads();  // shared memory is the epilogue's now
  product.stage(shared);
  ptx::sync_threads();
  const int slab = static_cast<int>(ptx::thread_id()) / 32;
  const ptx::SharedAddress staging = shared + static_cast<uint32_t>(slab * Tile::kSlabBytes);
  const int row0 = work.group * Tile::kM + slab / 2 * 16, token0 = work.token0 + slab % 2 * 64;
  if (p.splits > 1) {
    store_staged_partial<Tile::kSlabTiles>(p, staging, work.split, row0, token0);
  } else {
    store_slab<Io, Tile::kSlabTiles>(p, staging, row0, token0);
  }
}

}  // namespace leno::kernels::cuda
