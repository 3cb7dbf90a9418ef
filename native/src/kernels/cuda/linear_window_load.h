#pragma once

#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/linear_window_tile.h"
#include "kernels/cuda/pipeline.h"

// The warps that fill shared memory: two bring X, chunk by chunk, a column a lane; one brings k-steps.
//
// Where addresses allow, X comes in bulk copies; the blocks of a cluster bring a share of the columns each, for all of
// them, once all have given the slot back. What they cannot bring (part of 16 bytes at the last token, or X at
// any address) is copied by the lanes. Nothing here is read by wgmma but k-steps, so no fence of proxies is needed.
namespace leno::kernels::cuda {

// What a block computes. The chunks are the same for all blocks of a cluster.
template <class Tile>
struct WindowWork {
  int32_t rank = 0;             // of the block in its cluster
  int32_t slice, token, split;  // there may be no such slice: then the block loads X for the others
  int32_t begin = 0, end = 0;   // k-steps of this block, in the weights
  int32_t first_chunk, chunks;  // the chunks that these use: [first_chunk, chunks)

  LENO_DEVICE explicit WindowWork(const LinearParams& p) {
    const auto block = static_cast<int32_t>(ptx::block_x());
    if constexpr (Tile::kCluster > 1) rank = block % Tile::kCluster;
    const int32_t cluster = block / Tile::kCluster, clusters = (p.groups + Tile::kCluster - 1) / Tile::kCluster;
    slice = cluster % clusters * Tile::kCluster + rank;
    token = cluster / clusters * Tile::kTokens;
    split = static_cast<int32_t>(ptx::block_y());
    // A part of k is a range of chunks: its k-steps, and what they use of the chunks before.
    const int32_t all = (p.k + Tile::kChunk - 1) / Tile::kChunk;
    first_chunk = all * split / p.splits;
    chunks = all * (split + 1) / p.splits;
    if (has_slice(p)) {
      const int32_t* starts = p.columns + int64_t(slice) * (all + 1);
      begin = ptx::load_global(starts + first_chunk);
      end = ptx::load_global(starts + chunks);
    }
    first_chunk = first_chunk < Tile::kReach ? 0 : first_chunk - Tile::kReach;
  }
  LENO_DEVICE bool has_slice(const LinearParams& p) const { return Tile::kCluster == 1 || slice < p.groups; }

  // Chunk c lies in slot c % kChunks, whatever the first chunk of the block is.
  LENO_DEVICE RingPosition<Tile::kChunks> place_of(int32_t chunk) const {
    RingPosition<Tile::kChunks> at;
    at.slot = static_cast<uint32_t>(chunk) % Tile::kChunks;
    at.round = static_cast<uint32_t>(chunk - first_chunk) / Tile::kChunks & 1;
    return at;
  }
};

constexpr uint32_t kWindowXWarps = 2, kWindowXArrivals = kWindowXWarps, kWindowStepArrivals = 1;
constexpr uint32_t kWindowReaders = 8;  // warps

template <class Tile>
struct WindowLoad {
  const LinearParams& p;
  const WindowWork<Tile>& work;
  ptx::SharedAddress base;
  uint32_t warp, lane;  // of the loading warpgroup

  LENO_DEVICE void run() {
    if (warp < kWindowXWarps) {
      load_x();
    } else if (warp == kWindowXWarps && lane == 0) {
      load_steps();
    }
  }

  LENO_DEVICE void load_steps() {
    const Ring<Tile::kStages> ring{base + Tile::kStepBarriersAt};
    typename Ring<Tile::kStages>::Position at;
    const auto* from = static_cast<const unsigned char*>(p.values) + int64_t(work.begin) * Tile::kStepBytes;
    for (int32_t step = work.begin; step < work.end; ++step) {
      ring.wait_empty(at);
      ptx::mbarrier_arrive_expect_tx(ring.full(at.slot), Tile::kStepBytes);
      ptx::bulk_load(base + Tile::kStepsAt + at.slot * Tile::kStageBytes, from, Tile::kStepBytes, ring.full(at.slot));
      from += Tile::kStepBytes;
      at.advance();
    }
  }

  LENO_DEVICE void load_x() {
    const Ring<Tile::kChunks> ring{base + Tile::kXBarriersAt};
    const bool aligned = (reinterpret_cast<uint64_t>(p.x) | static_cast<uint64_t>(p.ldx) * 2) % 16 == 0;
    const int32_t left = p.tokens - work.token, tokens = left < Tile::kTokens ? left : Tile::kTokens;
    const int32_t bulk = aligned ? tokens & ~7 : 0;  // tokens of a column that come by bulk copies
    for (int32_t chunk = work.first_chunk; chunk < work.chunks; ++chunk) {
      const RingPosition<Tile::kChunks> at = work.place_of(chunk);
      if constexpr (Tile::kCluster > 1) {
        ptx::mbarrier_wait_cluster(ring.empty(at.slot), at.round ^ 1);
      } else {
        ring.wait_empty(at);
      }
      const uint32_t first = warp * 32;  // column of the chunk
      const int32_t column = chunk * Tile::kChunk + static_cast<int32_t>(first + lane);
      const ptx::SharedAddress to = base + (at.slot * Tile::kChunk + first + lane) * Tile::kPitch;
      const auto* from = static_cast<const uint16_t*>(p.x) + int64_t(column) * p.ldx + work.token;
      if (column < p.k) copy(to, from, bulk, tokens);
      ptx::sync_warp();
      if (lane == 0) {
        const int32_t there = p.k - column, columns = there < 0 ? 0 : there < 32 ? there : 32;
        ptx::mbarrier_arrive_expect_tx(ring.full(at.slot), static_cast<uint32_t>(columns * bulk * 2));
      }
      ptx::sync_warp();
      if (column >= p.k || bulk == 0) continue;
      const auto bytes = static_cast<uint32_t>(bulk) * 2;
      if constexpr (Tile::kCluster == 1) {
        ptx::bulk_load(to, from, bytes, ring.full(at.slot));
      } else if (static_cast<int32_t>(lane) / (32 / Tile::kCluster) == work.rank) {
        ptx::bulk_load_multicast(to, from, bytes, ring.full(at.slot), (1 << Tile::kCluster) - 1);
      }
    }
  }

  // Tokens [begin, end) by this lane, 4 at a time; zeros fill the last piece of 8.
  static LENO_DEVICE void copy(ptx::SharedAddress to, const uint16_t* from, int32_t begin, int32_t end) {
    LENO_ROLL
    for (int32_t token = begin; token < ((end + 7) & ~7); token += 4) {
      uint32_t of[4];
      LENO_UNROLL
      for (int i = 0; i < 4; ++i) of[i] = token + i < end ? ptx::load_global(from + token + i) : 0u;
      ptx::store_shared(to + static_cast<uint32_t>(token) * 2, ptx::Words2{{of[0] | of[1] << 16, of[2] | of[3] << 16}});
    }
  }
};

// Columns of zeros, and zeros for tokens that are not there. By the whole block, before a barrier.
template <class Tile>
LENO_DEVICE void clear_window(const LinearParams& p, const WindowWork<Tile>& work, ptx::SharedAddress base,
                              uint32_t thread) {
  const int32_t left = p.tokens - work.token, tokens = left < Tile::kTokens ? left : Tile::kTokens;
  const uint32_t there = static_cast<uint32_t>(tokens + 7) / 8;
  for (uint32_t column = thread; column < Tile::kRing + Tile::kBanks; column += Tile::kThreads) {
    LENO_ROLL
    for (uint32_t piece = column < Tile::kRing ? there : 0; piece < Tile::kTokens / 8; ++piece) {
      ptx::store_shared(base + column * Tile::kPitch + piece * 16, ptx::Words4{});
    }
  }
}

}  // namespace leno::kernels::cuda
