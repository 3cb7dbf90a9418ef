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

  static constexpr int kBlocks = 4;                        // of 8 tokens: what a quad turns
  static constexpr int kUnits = Tile::kN / (8 * kBlocks);  // of 32 tokens

  LENO_DEVICE void run(const TileWork<Tile>& work, const Accumulators<Tile>& sums) {
    const bool in_registers = p.splits == 1 && !p.y_token_major && !p.y_float && p.token_scales == nullptr;
    LENO_UNROLL
    for (int r = 0; r < Tile::kRowBlocks; ++r) {
      const int32_t fragment = static_cast<int32_t>(warp.fragment()) + r * 4;
      if (fragment >= work.fragments) continue;
      const int32_t row0 = work.group * p.group_rows + (work.first_fragment + fragment) * 16;
      LENO_UNROLL
      for (int t = 0; t < Tile::kTokenBlocks; ++t) {
        const int32_t token0 = work.token + static_cast<int32_t>(warp.first_token()) + t * Tile::kN;
        if (in_registers) {
          store_rows<0>(row0, token0, sums[r][t]);
          store_rows<1>(row0, token0, sums[r][t]);
          continue;
        }
        LENO_UNROLL
        for (int unit = 0; unit < kUnits; ++unit) {
          const int32_t token = token0 + unit * 8 * kBlocks;
          if (token >= p.tokens) continue;
          const auto sum = [&](int block, int i) { return sums[r][t][unit * 16 + block * 4 + i]; };
          if (p.splits > 1) {
            store_partial<kBlocks>(p, work.split, row0, token, sum);
          } else {
            stage_slab<kBlocks>(staging, sum);
            store_slab<Type, kBlocks>(p, staging, row0, token);
          }
        }
      }
    }
  }

  // Rows row0 + 8 Half .. + 7, the tokens of one wgmma: of the rows of feature-major y, those that this warp has. All
  // of the residual is on its way before any of it is used.
  template <int Half>
  LENO_DEVICE void store_rows(int32_t row0, int32_t token0, const float (&sums)[Tile::kAccumulators]) {
    token0 += static_cast<int32_t>(warp.lane() % 4) * 8;  // of what this lane reads and writes
    const int32_t row = ptx::load_global(p.rows + row0 + Half * 8 + static_cast<int32_t>(warp.lane() / 4));
    const int32_t left = row < 0 ? 0 : p.tokens - token0;
    const float bias = p.bias != nullptr && row >= 0 ? ptx::load_global(p.bias + row) : 0.0f;
    uint32_t residual[kUnits][4] = {};
    if (p.residual != nullptr) {
      const auto* from = static_cast<const uint16_t*>(p.residual) + int64_t(row) * p.ldresidual + token0;
      LENO_UNROLL
      for (int unit = 0; unit < kUnits; ++unit) read(from + unit * 32, left - unit * 32, residual[unit]);
    }
    auto* to = static_cast<uint16_t*>(p.y) + int64_t(row) * p.ldy + token0;
    LENO_UNROLL
    for (int unit = 0; unit < kUnits; ++unit) {
      float v[8];
      LENO_UNROLL
      for (int i = 0; i < 8; ++i) v[i] = sums[unit * 16 + i / 2 * 4 + Half * 2 + i % 2] + bias;
      activate(v, p.activation);
      if (p.residual != nullptr) {
        turn_in_quad(residual[unit]);
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) {
          const ptx::Floats2 pair = ptx::unpack(residual[unit][j], Type{});
          v[2 * j] += p.beta * pair.lo;
          v[2 * j + 1] += p.beta * pair.hi;
        }
      }
      uint32_t words[4];
      LENO_UNROLL
      for (int j = 0; j < 4; ++j) words[j] = ptx::pack({v[2 * j], v[2 * j + 1]}, Type{});
      turn_in_quad(words);
      store(to + unit * 32, left - unit * 32, words);
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
