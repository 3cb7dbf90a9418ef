#pragma once

#include "kernels/cuda/x_source.h"

// X in e4m3, feature-major in the workspace as quantise.h leaves it: 16 tokens are 16 bytes, token t of them at byte
// 2 t, token 8 + t at byte 2 t + 1.
//
// mma.m16n8k32 wants four neighbours in k of one token in a register, and the gathered rows are neighbours in tokens.
// ldmatrix.trans turns pairs of bytes: with rows 4 j and 4 j + 1 in one matrix, 4 j + 2 and 4 j + 3 in another, a lane
// holds four k of two tokens in two registers, and two permutations of bytes sort them. The order of the tokens in
// memory makes the two those of neighbouring n-tiles.
namespace leno::kernels::cuda {

template <class Tile>
struct GatheredX8 {
  using Sizes = TileSizes<Tile, 1>;
  static constexpr int kChunks = Sizes::kN / 16, kRowsAtOnce = Sizes::kThreads / kChunks;
  static constexpr int kCopies = Sizes::kK / kRowsAtOnce;
  static constexpr bool kGathers = true;
  static_assert(kChunks >= 8 && Sizes::kK % kRowsAtOnce == 0, "all threads copy the same number of whole chunks");

  const unsigned char* x;
  int64_t ldx;
  int row, chunk;
  bool inside;

  LENO_DEVICE GatheredX8(const LinearParams& p, int token0) {
    const int thread = static_cast<int>(ptx::thread_id());
    row = thread / kChunks;
    chunk = thread % kChunks;
    inside = token0 + 16 * chunk < p.ldx;
    x = static_cast<const unsigned char*>(p.x) + (inside ? token0 + 16 * chunk : 0);
    ldx = p.ldx;
  }

  // The rows that ldmatrix reads at a time differ in bits 0, 2 and 3.
  static LENO_DEVICE uint32_t at(int r, int c) {
    return static_cast<uint32_t>(r * Sizes::kN + ((c ^ ((r & 1) | (r >> 1 & 6))) * 16));
  }
  LENO_DEVICE int row_of(int i) const { return row + i * kRowsAtOnce; }
  LENO_DEVICE ptx::SharedAddress to(ptx::SharedAddress stage, int i) const { return stage + at(row_of(i), chunk); }
  LENO_DEVICE Neighbours from(int, int, int column) const {
    const bool there = inside && column >= 0;
    return {reinterpret_cast<const uint16_t*>(x + (there ? column * ldx : 0)), there ? 8 : 0};
  }

  static LENO_DEVICE void fragments(uint32_t (&b)[4], ptx::SharedAddress stage, int s, int n) {
    const int matrix = static_cast<int>(ptx::lane_id()) / 8, r = static_cast<int>(ptx::lane_id()) % 8;
    const int k = 32 * s + 16 * (matrix / 2) + 2 * (matrix % 2) + 4 * (r / 2) + r % 2;
    uint32_t pairs[4];
    ptx::ldmatrix_x4_trans(pairs, stage + at(k, n / 16));
    LENO_UNROLL
    for (int half = 0; half < 2; ++half) {  // of k
      b[half] = ptx::permute_bytes(pairs[2 * half], pairs[2 * half + 1], 0x6420);
      b[2 + half] = ptx::permute_bytes(pairs[2 * half], pairs[2 * half + 1], 0x7531);
    }
  }
};

}  // namespace leno::kernels::cuda
