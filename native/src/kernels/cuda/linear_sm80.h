#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/gather_sm80.h"
#include "kernels/cuda/linear_block.h"

// y = act(W x + bias) + beta residual with mma.sync m16n8k16. A block multiplies a slice of one row group with kN
// tokens; copies run kStages - 1 stages ahead of the products.
//
// Weights go through shared memory too, though they lie in fragments: the warps that share a slice read them from
// there, and to be kStages - 1 stages ahead costs no registers. They are read without conflicts, 512 bytes in a row.
namespace leno::kernels::cuda {

template <class Sizes>
struct WeightStage {
  // Fragment tiles past the slice or past the group's k-steps become zero.
  static LENO_DEVICE void load(const LinearParams& p, const BlockOfWork& b, ptx::SharedAddress to, int stage) {
    const auto* values = static_cast<const unsigned char*>(p.values);
    constexpr int kChunks = Sizes::kWeightBytes / 16;
    LENO_UNROLL
    for (int i = 0; i < kChunks; i += Sizes::kThreads) {
      const int chunk = i + static_cast<int>(ptx::thread_id());
      if (kChunks % Sizes::kThreads != 0 && chunk >= kChunks) break;
      const int step = b.first + stage * Sizes::kSteps + chunk / (32 * Sizes::kFragments);
      const int fragment = b.fragment0 + chunk / 32 % Sizes::kFragments;
      const bool inside = step < b.end && fragment < b.fragments;
      const int64_t tile = inside ? int64_t(step) * b.fragments + fragment : 0;
      ptx::cp_async_16(to + static_cast<uint32_t>(chunk) * 16, values + tile * 512 + chunk % 32 * 16, inside ? 16 : 0);
    }
  }
};

// The columns that stage `stage` gathers.
template <class Sizes>
struct ColumnStage {
  static LENO_DEVICE void load(const LinearParams& p, const BlockOfWork& b, ptx::SharedAddress to, int stage) {
    const int thread = static_cast<int>(ptx::thread_id());
    if (thread >= Sizes::kK / 4) return;
    const int step = b.first + stage * Sizes::kSteps + thread / 4;
    const bool inside = step < b.end;
    ptx::cp_async_16(to + static_cast<uint32_t>(thread) * 16,
                     p.columns + (inside ? int64_t(step) * 16 + thread % 4 * 4 : 0), inside ? 16 : 0);
  }
};

template <class Io, class Tile, class X>
LENO_DEVICE void linear_sm80(const LinearParams& p) {
  using Sizes = TileSizes<Tile>;
  constexpr int kStages = Sizes::kStages, kAhead = kStages - 1;
  const BlockOfWork b = BlockOfWork::mine<Sizes>(p);
  const X x(p, b.token0);
  const int begin = b.first_stage<Sizes>(b.split, p.splits), end = b.first_stage<Sizes>(b.split + 1, p.splits);
  const ptx::SharedAddress shared = ptx::shared_memory();
  const auto slot = [&](int stage) {
    return shared + static_cast<uint32_t>((stage - begin) % kStages * Sizes::kStageBytes);
  };
  // Column of row r of a stage: past the group's end there is none.
  const auto rows_left = [&](int stage) { return (b.end - b.first - stage * Sizes::kSteps) * 16; };

  // A stage's copies carry the columns of the stage that is issued when they have landed.
  const auto issue = [&](int stage, auto column) {
    const ptx::SharedAddress to = slot(stage);
    WeightStage<Sizes>::load(p, b, to, stage);
    x.load(to + Sizes::kXAt, stage * Sizes::kK, column);
    if (X::kGathers && stage + kAhead < end) {
      ColumnStage<Sizes>::load(p, b, slot(stage + kAhead) + Sizes::kColumnsAt, stage + kAhead);
    }
  };
  for (int i = 0; i < kAhead; ++i) {
    const int stage = begin + i;
    if (stage < end) {
      const int left = rows_left(stage);
      const int32_t* columns = p.columns + int64_t(b.first + stage * Sizes::kSteps) * 16;
      issue(stage, [&](int r) { return r < left ? ptx::load_global(columns + r) : -1; });
    }
    ptx::cp_async_commit();
  }

  const int warp = static_cast<int>(ptx::thread_id()) / 32, lane = static_cast<int>(ptx::lane_id());
  const int warp_m = warp % Sizes::kWarpsM * Sizes::kTilesM, warp_n = warp / Sizes::kWarpsM * Sizes::kWarpN;
  float sums[Sizes::kTilesM][Sizes::kTilesN][4] = {};
  for (int stage = begin; stage < end; ++stage) {
    ptx::cp_async_wait<kAhead - 1>();
    ptx::sync_threads();  // the stage is there for all, and its predecessor's slot is free
    const int next = stage + kAhead;
    if (next < end) {
      const int left = rows_left(next);
      const ptx::SharedAddress columns = slot(next) + Sizes::kColumnsAt;
      issue(next,
            [&](int r) { return r < left ? ptx::load_shared<int32_t>(columns + static_cast<uint32_t>(r) * 4) : -1; });
    }
    ptx::cp_async_commit();  // empty at the end: the waits count groups
    const ptx::SharedAddress from = slot(stage);
    LENO_UNROLL
    for (int s = 0; s < Sizes::kSteps; ++s) {
      uint32_t w[Sizes::kTilesM][4], t[Sizes::kTilesN / 2][4];
      LENO_UNROLL
      for (int m = 0; m < Sizes::kTilesM; ++m) {
        const auto v = ptx::load_shared<ptx::Words4>(
            from + static_cast<uint32_t>((s * Sizes::kFragments + warp_m + m) * 512 + lane * 16));
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) w[m][i] = v.w[i];
      }
      LENO_UNROLL
      for (int n = 0; n < Sizes::kTilesN; n += 2) X::fragments(t[n / 2], from + Sizes::kXAt, s, warp_n + 8 * n);
      LENO_UNROLL
      for (int m = 0; m < Sizes::kTilesM; ++m) {
        LENO_UNROLL
        for (int n = 0; n < Sizes::kTilesN; ++n) {
          const uint32_t pair[2] = {t[n / 2][n % 2 * 2], t[n / 2][n % 2 * 2 + 1]};
          ptx::mma_m16n8k16(sums[m][n], w[m], pair, Io{});
        }
      }
    }
  }
  ptx::cp_async_wait<0>();
  ptx::sync_threads();  // shared memory is the epilogue's now

  const ptx::SharedAddress staging = shared + static_cast<uint32_t>(warp * Sizes::kStagingBytes);
  LENO_ROLL
  for (int i = 0; i < Sizes::kTilesM && b.fragment0 + warp_m + i < b.fragments; ++i) {
    const int row0 = b.group * p.group_rows + 16 * (b.fragment0 + warp_m + i), token0 = b.token0 + warp_n;
    LENO_UNROLL
    for (int m = 0; m < Sizes::kTilesM; ++m) {  // registers have no index
      if (m != i) continue;
      const auto sum = [&](int n, int j) { return sums[m][n][j]; };
      if (p.splits > 1) {
        store_partial<Sizes::kTilesN>(p, b.split, row0, token0, sum);
      } else {
        stage_slab<Sizes::kTilesN>(staging, sum);
      }
    }
    if (p.splits == 1) store_slab<Io, Sizes::kTilesN>(p, staging, row0, token0);
  }
}

}  // namespace leno::kernels::cuda
