#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/linear_sm90_multiply.h"

// From accumulators to y.
//
// Feature-major y needs no shared memory: a quad of lanes holds 8 tokens of a row for each 8 columns of a wgmma, two a
// lane; four such blocks turned within the quad give each lane 8 tokens side by side, 16 bytes of y. Residuals go the
// other way, so that they are added before anything is rounded. Everything else goes the way of epilogue.h.
namespace leno::kernels::cuda {

// Lane q of each quad gives w[j] for j = 0..3 and gets w[q] of lane j at j.
LENO_DEVICE void turn_in_quad(uint32_t (&w)[4]) {
  const uint32_t lane = ptx::lane_id();
  const auto exchange = [&](uint32_t& low, uint32_t& high, uint32_t bit) {
    const bool upper = (lane & bit) != 0;
    const uint32_t got = ptx::shuffle_xor(upper ? low : high, static_cast<int>(bit));
    (upper ? low : high) = got;
  };
  exchange(w[0], w[1], 1);
  exchange(w[2], w[3], 1);
  exchange(w[0], w[2], 2);
  exchange(w[1], w[3], 2);
}

template <class Tile, class Source, class Type>
struct Sm90Epilogue {
  const LinearSm90Params& p;
  const Multiply<Tile, Source, Type>& warp;
  ptx::SharedAddress staging;  // of this warp

  static constexpr int kBlocks = 4;  // of 8 tokens: what a quad turns

  LENO_DEVICE void run(const TileWork<Tile>& work, const Accumulators<Tile>& sums) {
    const bool in_registers = !p.y_token_major && !p.y_float && p.token_scales == nullptr;
    LENO_UNROLL
    for (int r = 0; r < Tile::kRowBlocks; ++r) {
      const int32_t fragment = static_cast<int32_t>(warp.fragment()) + r * 4;
      if (fragment >= work.fragments) continue;
      const int32_t row0 = work.group * p.group_rows + (work.first_fragment + fragment) * 16;
      LENO_UNROLL
      for (int t = 0; t < Tile::kTokenBlocks; ++t) {
        LENO_UNROLL
        for (int unit = 0; unit < Tile::kN / (8 * kBlocks); ++unit) {
          const int32_t token =
              work.token + static_cast<int32_t>(warp.first_token()) + t * Tile::kN + unit * 8 * kBlocks;
          if (token >= p.tokens) continue;
          const auto sum = [&](int block, int i) { return sums[r][t][unit * 16 + block * 4 + i]; };
          if (p.splits > 1) {
            store_partial<kBlocks>(p, work.split, row0, token, sum);
          } else if (in_registers) {
            store_rows(row0, token, sum);
          } else {
            stage_slab<kBlocks>(staging, sum);
            store_slab<Type, kBlocks>(p, staging, row0, token);
          }
        }
      }
    }
  }

  // 16 packed rows by 32 tokens of feature-major y.
  template <class Sum>
  LENO_DEVICE void store_rows(int32_t row0, int32_t token, Sum sum) {
    token += static_cast<int32_t>(warp.lane() % 4) * 8;  // of what this lane reads and writes
    LENO_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int32_t row = ptx::load_global(p.rows + row0 + half * 8 + static_cast<int32_t>(warp.lane() / 4));
      const int32_t left = row < 0 ? 0 : p.tokens - token;
      const float bias = p.bias != nullptr && row >= 0 ? ptx::load_global(p.bias + row) : 0.0f;
      float v[8];
      LENO_UNROLL
      for (int i = 0; i < 8; ++i) v[i] = sum(i / 2, half * 2 + i % 2) + bias;
      activate(v, p.activation);
      uint32_t words[4];
      if (p.residual != nullptr) {
        read(static_cast<const uint16_t*>(p.residual) + int64_t(row) * p.ldresidual + token, left, words);
        turn_in_quad(words);
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) {
          const ptx::Floats2 residual = ptx::unpack(words[j], Type{});
          v[2 * j] += p.beta * residual.lo;
          v[2 * j + 1] += p.beta * residual.hi;
        }
      }
      LENO_UNROLL
      for (int j = 0; j < 4; ++j) words[j] = ptx::pack({v[2 * j], v[2 * j + 1]}, Type{});
      turn_in_quad(words);
      store(static_cast<uint16_t*>(p.y) + int64_t(row) * p.ldy + token, left, words);
    }
  }

  // Up to 8 elements; what is not there is zero.
  static LENO_DEVICE void read(const uint16_t* from, int32_t left, uint32_t (&words)[4]) {
    if (left >= 8 && aligned16(from)) {
      const auto all = ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(from));
      LENO_UNROLL
      for (int i = 0; i < 4; ++i) words[i] = all.w[i];
      return;
    }
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      words[i] = 2 * i < left ? ptx::load_global_volatile(from + 2 * i) : 0u;
      if (2 * i + 1 < left) words[i] |= static_cast<uint32_t>(ptx::load_global_volatile(from + 2 * i + 1)) << 16;
    }
  }

  static LENO_DEVICE void store(uint16_t* to, int32_t left, const uint32_t (&words)[4]) {
    if (left >= 8 && aligned16(to)) {
      ptx::store_global(reinterpret_cast<ptx::Words4*>(to), ptx::Words4{{words[0], words[1], words[2], words[3]}});
      return;
    }
    LENO_UNROLL
    for (int i = 0; i < 8; ++i) {
      if (i < left) ptx::store_global(to + i, static_cast<uint16_t>(words[i / 2] >> (i % 2 * 16)));
    }
  }
};

}  // namespace leno::kernels::cuda
