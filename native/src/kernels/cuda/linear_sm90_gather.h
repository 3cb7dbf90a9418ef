#pragma once

#include "kernels/cuda/linear_sm90_ring.h"
#include "kernels/cuda/linear_sm90_source.h"

// The warpgroup that fills the ring: X by cp.async, weights by bulk copies.
//
// cp.async writes through the generic proxy, wgmma reads through the async proxy. So each thread waits for its own
// copies, fences the proxies, and only then does its warp arrive: kLag stages later than it began the copies.
namespace leno::kernels::cuda {

constexpr uint32_t kFullArrivals = kGatherWarps + 1;  // and the thread that announces the bulk copies

template <class Tile, class Source>
struct Gather {
  const LinearSm90Params& p;
  ptx::SharedAddress base;
  Sm90Ring<Tile> ring;
  uint32_t thread;  // of the warpgroup

  LENO_DEVICE void run() {
    if ((reinterpret_cast<uint64_t>(p.x) | static_cast<uint64_t>(p.ldx) * 2) % 16 == 0) {
      run_source<true>();
    } else {
      run_source<false>();
    }
  }

  template <bool Aligned>
  LENO_DEVICE void run_source() {
    Source source{p, thread / 32, thread % 32};
    typename Ring<Tile::kStages>::Position at, arrived;
    int under_way = 0;
    for (TileWalk<Tile> walk(p); walk.left(); walk.next(), walk.ask_group(), walk.ask_steps()) {
      const TileWork<Tile> work = walk.work();
      source.begin(work);
      for (int32_t stage = work.begin; stage < work.end; ++stage) {
        ring.wait_empty(at);
        if (thread == 0) load_weights(work, stage, at);
        source.template fill<Aligned>(work, stage, base + at.slot * Tile::kGatherBytes);
        ptx::cp_async_commit();
        source.advance(work, stage);
        at.advance();
        if (under_way == Tile::kLag) {
          ptx::cp_async_wait<Tile::kLag>();
          arrive(arrived.slot);
          arrived.advance();
        } else {
          ++under_way;
        }
      }
    }
    ptx::cp_async_wait<0>();
    for (; under_way > 0; --under_way) {
      arrive(arrived.slot);
      arrived.advance();
    }
  }

  LENO_DEVICE void arrive(uint32_t slot) {
    ptx::fence_proxy_async();
    ptx::sync_warp();
    if (thread % 32 == 0) ptx::mbarrier_arrive(ring.full(slot));
  }

  // The k-steps of a stage follow each other in a group; a tile that is a slice of the group takes a part of each.
  LENO_DEVICE void load_weights(const TileWork<Tile>& work, int32_t stage,
                                const typename Ring<Tile::kStages>::Position& position) {
    const uint32_t slot = position.slot;
    const int32_t group_fragments = p.group_rows / 16, steps = work.steps_of(stage);
    const auto* from = static_cast<const unsigned char*>(p.values) +
                       ((int64_t(work.step) + stage * Tile::kSteps) * group_fragments + work.first_fragment) * 512;
    ptx::SharedAddress to = base + Tile::kStages * Tile::kGatherBytes + slot * Tile::kWeightBytes;
    const uint32_t step_bytes = static_cast<uint32_t>(work.fragments) * 512;
    ptx::mbarrier_arrive_expect_tx(ring.full(slot), static_cast<uint32_t>(steps) * step_bytes);
    if (!ring.loads_weights(slot)) return;
    ring.wait_returned(position);
    const bool whole = work.fragments == group_fragments;
    const uint32_t bytes = whole ? static_cast<uint32_t>(steps) * step_bytes : step_bytes;
    LENO_ROLL
    for (int32_t copies = whole ? 1 : steps; copies > 0; --copies) {
      ring.load_weights(to, from, bytes, slot);
      to += bytes;
      from += group_fragments * 512;
    }
  }
};

}  // namespace leno::kernels::cuda
