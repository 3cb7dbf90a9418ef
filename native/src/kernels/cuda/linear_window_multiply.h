#pragma once

#include "kernels/cuda/linear_window_load.h"

// A warpgroup that multiplies 64 tokens with all the rows of a slice: y^T = X^T W^T. X is the A operand: ldmatrix
// gathers a group's columns from the window and turns them into fragments. The weights of the group are B.
namespace leno::kernels::cuda {

template <class Tile>
using WindowSums = float[Tile::kGroups][Tile::kN / 2];

template <class Tile, class Type>
struct WindowMultiply {
  const WindowWork<Tile>& work;
  ptx::SharedAddress base;
  uint32_t thread;  // of the block's multiplying threads

  Ring<Tile::kChunks> x_ring{base + Tile::kXBarriersAt};
  Ring<Tile::kStages> step_ring{base + Tile::kStepBarriersAt};
  typename Ring<Tile::kStages>::Position at{};
  int32_t seen = work.first_chunk, released = work.first_chunk;  // chunks before these are there, are free
  // Fragments of two units: one is loaded while the tensor cores work on the other.
  uint32_t x[2][Tile::kUnit][4] = {};

  LENO_DEVICE void run(WindowSums<Tile>& sums) {
    LENO_UNROLL
    for (int g = 0; g < Tile::kGroups; ++g) {
      LENO_UNROLL
      for (int i = 0; i < Tile::kN / 2; ++i) sums[g][i] = 0;
    }
    uint32_t before = Tile::kStages;  // the slot of the k-step before; none yet
    if constexpr (Tile::kUnits == 2) {
      for (int32_t step = work.begin; step < work.end; ++step) {
        multiply<0, 0>(sums, before);
        multiply<1, 1>(sums, before);
      }
    } else {
      int32_t step = work.begin;
      for (; step + 1 < work.end; step += 2) {
        multiply<0, 0>(sums, before);
        multiply<1, 0>(sums, before);
      }
      if (step < work.end) multiply<0, 0>(sums, before);
    }
    ptx::wgmma_wait<0>();
    fence(sums);
    move_to(work.chunks + Tile::kReach);
  }

  template <int Half, int Unit>
  LENO_DEVICE void multiply(WindowSums<Tile>& sums, uint32_t& before) {
    if (Unit == 0) step_ring.wait_full(at);
    const ptx::SharedAddress step = base + Tile::kStepsAt + at.slot * Tile::kStageBytes;
    if (Unit == 0) move_to(static_cast<int32_t>(ptx::load_shared<uint32_t>(step + Tile::kChunkAt)));
    load<Half, Unit>(step);
    fence(sums);
    ptx::wgmma_fence();
    LENO_UNROLL
    for (int g = 0; g < Tile::kUnit; ++g) {
      const int group = Unit * Tile::kUnit + g;
      const uint64_t b = ptx::wgmma_descriptor(step + group * Tile::kN * 32, 128, 256, ptx::Swizzle::none);
      ptx::Wgmma<Tile::kN>::template rs<ptx::Major::k>(sums[group], x[Half][g], b, true, Type{});
    }
    ptx::wgmma_commit();
    // All but what was just begun is done: the k-step before is free.
    ptx::wgmma_wait<1>();
    fence(sums);
    if (Unit == 0) {
      ptx::sync_warp();
      if (before < Tile::kStages && thread % 32 == 0) ptx::mbarrier_arrive(step_ring.empty(before));
      before = at.slot;
    }
    if (Unit == Tile::kUnits - 1) at.advance();
  }

  // The window's newest chunk becomes `chunk`: waits for it, gives back what no later k-step uses. Behind the last
  // chunk there is nothing: all have come, and all are given back.
  LENO_DEVICE void move_to(int32_t chunk) {
    const int32_t oldest = chunk - Tile::kReach;
    release(oldest < seen ? oldest : seen);
    while (seen <= chunk && seen < work.chunks) {
      x_ring.wait_full(work.place_of(seen));
      ++seen;
      release(oldest < seen ? oldest : seen);
    }
  }

  LENO_DEVICE void release(int32_t end) {
    if (released >= end) return;
    ptx::sync_warp();
    for (; released < end; ++released) {
      const ptx::SharedAddress empty = x_ring.empty(work.place_of(released).slot);
      if constexpr (Tile::kCluster == 1) {
        if (thread % 32 == 0) ptx::mbarrier_arrive(empty);
      } else if (thread % 32 < Tile::kCluster) {
        ptx::mbarrier_arrive_remote(ptx::map_shared(empty, thread % 32));
      }
    }
  }

  // Lane 8 i + r of ldmatrix names row r of matrix i: columns 0..7 and 8..15 of the k-step by tokens 0..7 and 8..15 of
  // the warp.
  template <int Half, int Unit>
  LENO_DEVICE void load(ptx::SharedAddress step) {
    const uint32_t lane = thread % 32, column = lane / 16 * 8 + lane % 8;
    const ptx::SharedAddress token = base + (thread / 32 * 16 + lane / 8 % 2 * 8) * 2;
    const ptx::SharedAddress from = step + Tile::kValueBytes + (Unit * 16 + column) * Tile::kUnit * 2;
    uint32_t pairs[Tile::kUnit / 2];
    read(from, pairs);
    LENO_UNROLL
    for (int g = 0; g < Tile::kUnit; ++g) {
      const uint32_t place = g % 2 == 0 ? pairs[g / 2] & 0xffff : pairs[g / 2] >> 16;
      ptx::ldmatrix_x4_trans(x[Half][g], token + place * Tile::kPitch);
    }
  }

  static LENO_DEVICE void read(ptx::SharedAddress from, uint32_t (&words)[1]) {
    words[0] = ptx::load_shared<uint32_t>(from);
  }
  static LENO_DEVICE void read(ptx::SharedAddress from, uint32_t (&words)[2]) {
    const auto two = ptx::load_shared<ptx::Words2>(from);
    words[0] = two.w[0], words[1] = two.w[1];
  }
  static LENO_DEVICE void read(ptx::SharedAddress from, uint32_t (&words)[4]) {
    const auto four = ptx::load_shared<ptx::Words4>(from);
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) words[i] = four.w[i];
  }

  static LENO_DEVICE void fence(WindowSums<Tile>& sums) {
    LENO_UNROLL
    for (int g = 0; g < Tile::kGroups; ++g) ptx::wgmma_fence_operand(sums[g]);
  }
};

}  // namespace leno::kernels::cuda
