#pragma once

#include "kernels/cuda/linear_skip_output.h"
#include "kernels/cuda/linear_skip_stage.h"

// y = act(W x + bias) + beta residual on the CUDA cores, everything in fp32. A block has kM rows and kN tokens. It
// walks the columns that any of its rows keeps; a column that none keeps is neither loaded nor multiplied. Each warp
// owns a unit of kSkipRows rows: a mask, the same for all its lanes, tells which columns of the stage it keeps, and of
// the others it reads nothing in shared memory and multiplies nothing. Barriers are met by all, whatever the masks.
namespace leno::kernels::cuda {

// The sums of a lane: its warp's rows times runs of 4 tokens.
template <class Tile>
struct SkipProduct {
  float sums[kSkipRows][Tile::kRuns][4] = {};

  LENO_DEVICE void multiply(ptx::SharedAddress info, ptx::SharedAddress stage) {
    const uint32_t warp = ptx::thread_id() / 32;
    const uint32_t lanes_x = stage + Tile::kWeightBytes + 16 * ptx::lane_id();
    ptx::SharedAddress w = stage + warp * Tile::kWarpWeightBytes;
    uint32_t mask = ptx::load_shared<uint32_t>(info + Tile::kMasksAt + 4 * warp);
    LENO_ROLL
    for (; mask != 0; mask &= mask - 1, w += 4 * kSkipRows) {
      const uint32_t column = ptx::lowest_bit(mask);
      float weights[kSkipRows], x[Tile::kRuns][4];
      LENO_UNROLL
      for (int i = 0; i < kSkipRows; i += 4) {
        const auto four = ptx::load_shared<ptx::Words4>(w + static_cast<uint32_t>(4 * i));
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) weights[i + j] = ptx::bits_float(four.w[j]);
      }
      LENO_UNROLL
      for (int run = 0; run < Tile::kRuns; ++run) {
        const auto four =
            ptx::load_shared<ptx::Words4>(lanes_x + column * Tile::kN * 4 + static_cast<uint32_t>(512 * run));
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) x[run][j] = ptx::bits_float(four.w[j]);
      }
      LENO_UNROLL
      for (int r = 0; r < kSkipRows; ++r) {
        LENO_UNROLL
        for (int run = 0; run < Tile::kRuns; ++run) {
          LENO_UNROLL
          for (int j = 0; j < 4; ++j) sums[r][run][j] = ptx::multiply_add(weights[r], x[run][j], sums[r][run][j]);
        }
      }
    }
  }
};

// Copy: how a stage comes into shared memory, and from where (linear_skip_stage.h). Params: LinearParams, or what a
// source of X and a write-back of their own add to them.
template <class Copy, class Params>
LENO_DEVICE void linear_skip_f32(const Params& p) {
  using Tile = typename Copy::Tile;
  constexpr int kAhead = Tile::kAhead;
  const SkipWork work = SkipWork::mine<Tile>(p);
  const ptx::SharedAddress shared = ptx::shared_memory();
  const auto slot = [&](int stage) {
    return shared + static_cast<uint32_t>((stage - work.begin) % Tile::kStages * Tile::kStageBytes);
  };
  const auto info = [&](int stage) {
    return shared + static_cast<uint32_t>(Tile::kInfoAt + (stage - work.begin) % Tile::kInfos * Tile::kStageInfoBytes);
  };
  Copy copy(p, work.token0);
  LENO_ROLL
  for (int stage = work.begin; stage < work.begin + 2 * kAhead && stage < work.end; ++stage) {
    copy.fetch_info(p, stage, info(stage));
    copy.put_info(info(stage));
  }
  copy.commit();
  copy.finish();
  ptx::sync_threads();
  LENO_ROLL
  for (int stage = work.begin; stage < work.begin + kAhead; ++stage) {
    if (stage < work.end) {
      copy.fetch(p, info(stage), slot(stage));
      copy.put(slot(stage));
    }
    copy.commit();
  }
  SkipProduct<Tile> product;
  LENO_ROLL
  for (int stage = work.begin; stage < work.end; ++stage) {
    copy.wait();
    ptx::sync_threads();  // the stage is there for all, and its predecessor's slot is free
    const int next = stage + kAhead;
    const bool more = next < work.end, known = next + kAhead < work.end;
    if (more) copy.fetch(p, info(next), slot(next));
    if (known) copy.fetch_info(p, next + kAhead, info(next + kAhead));
    copy.commit();
    product.multiply(info(stage), slot(stage));
    if (more) copy.put(slot(next));
    if (known) copy.put_info(info(next + kAhead));
  }
  copy.finish();
  if (p.splits > 1) {
    store_skip_partial<Tile>(p, work, product.sums);
  } else {
    store_skip<Tile>(p, work, product.sums);
  }
}

}  // namespace leno::kernels::cuda
