#pragma once

#include <type_traits>

#include "kernels/cuda/activation.h"
#include "kernels/cuda/linear_skinny_tile.h"
#include "kernels/cuda/ptx/ptx.h"

// y = act(x W^T + bias) + beta residual for few tokens, bound by the memory that the weights come from.
namespace leno::kernels::cuda {

// One value of y; every lane does its own.
template <class Io>
LENO_DEVICE void write_output(const SkinnyParams& p, int packed_row, int token, float sum) {
  const int row = ptx::load_global(p.rows + packed_row);
  if (row < 0) return;
  if (p.scales != nullptr) sum *= ptx::load_global(p.scales + packed_row);
  if (p.bias != nullptr) sum += ptx::load_global(p.bias + row);
  float v[1] = {sum};
  activate(v, p.activation);
  const int64_t at_residual = p.y_token_major ? token * p.ldresidual + row : row * p.ldresidual + token;
  const int64_t at = p.y_token_major ? token * p.ldy + row : row * p.ldy + token;
  if (p.y_float) {
    if (p.residual != nullptr) {
      v[0] += p.beta * ptx::load_global_volatile(static_cast<const float*>(p.residual) + at_residual);
    }
    ptx::store_global(static_cast<float*>(p.y) + at, v[0]);
    return;
  }
  if (p.residual != nullptr) {
    const uint32_t bits = ptx::load_global_volatile(static_cast<const uint16_t*>(p.residual) + at_residual);
    v[0] += p.beta * ptx::unpack(bits, Io{}).lo;
  }
  ptx::store_global(static_cast<uint16_t*>(p.y) + at, static_cast<uint16_t>(ptx::pack({v[0], 0.f}, Io{})));
}

// A k-step of 16-bit weights: one fragment of m16n8k16 per row tile. Io: ptx::Half or ptx::BFloat.
template <class Io_>
struct SkinnyStep16 {
  using Io = Io_;
  static constexpr int kColumns = 16;
  static constexpr int kRun = 2;  // neighbouring columns of a lane, in each half of the step

  using Fragments = ptx::Words4;
  static LENO_DEVICE const Fragments& fragments(const ptx::Words4& weights) { return weights; }
  static LENO_DEVICE void multiply(float (&d)[4], const Fragments& a, const uint32_t (&b)[2]) {
    ptx::mma_m16n8k16(d, a.w, b, Io{});
  }
};

// The same on sm_75: halves of the fragment.
struct SkinnyStep16Halved : SkinnyStep16<ptx::Half> {
  static LENO_DEVICE void multiply(float (&d)[4], const ptx::Words4& a, const uint32_t (&b)[2]) {
    const uint32_t first[2] = {a.w[0], a.w[1]}, second[2] = {a.w[2], a.w[3]};
    const uint32_t x0[1] = {b[0]}, x1[1] = {b[1]};
    ptx::mma_m16n8k8(d, first, x0, Io{});
    ptx::mma_m16n8k8(d, second, x1, Io{});
  }
};

// A k-step of e4m3 weights, which become 16-bit values in registers: X keeps its precision, and only bytes count here.
// A lane has four neighbouring columns in each half; any two of them may be the fragment's two, as long as X agrees.
template <class Io_>
struct SkinnyStep8 {
  using Io = Io_;
  static constexpr int kColumns = 32;
  static constexpr int kRun = 4;

  struct Fragments {
    uint32_t half[2][4];
  };
  static LENO_DEVICE uint32_t widened(uint32_t pair) {
    const uint32_t halves = ptx::widen(pair, ptx::E4M3{});
    if constexpr (std::is_same_v<Io, ptx::Half>) return halves;
    return ptx::pack(ptx::unpack(halves, ptx::Half{}), Io{});
  }
  static LENO_DEVICE Fragments fragments(const ptx::Words4& weights) {
    Fragments a;
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      a.half[i / 2][i % 2] = widened(weights.w[i] & 0xffff);
      a.half[i / 2][i % 2 + 2] = widened(weights.w[i] >> 16);
    }
    return a;
  }
  static LENO_DEVICE void multiply(float (&d)[4], const Fragments& a, const uint32_t (&b)[4]) {
    const uint32_t x0[2] = {b[0], b[1]}, x1[2] = {b[2], b[3]};
    ptx::mma_m16n8k16(d, a.half[0], x0, Io{});
    ptx::mma_m16n8k16(d, a.half[1], x1, Io{});
  }
};

// X: what it has of 16 bits as they are, uint16_t, or float, which becomes Step::Io on its way into the product.
template <class Step, class Tile, class X = uint16_t>
struct LinearSkinny {
  using Io = typename Step::Io;
  static constexpr int kHalf = Step::kRun;           // columns of a lane in half a k-step
  static constexpr int kWords = Step::kColumns / 8;  // registers of B per k-step and token tile
  static constexpr int kColumnsOfLane = 2 * kHalf;

  // What a lane holds of one k-step, on its way or arrived.
  struct Slot {
    ptx::Words4 weights[Tile::kRowTiles];
    X x[Tile::kTokenTiles][kColumnsOfLane];
    int32_t columns[kColumnsOfLane];  // of the k-step after
  };

  const SkinnyParams& p;
  const int lane = static_cast<int>(ptx::lane_id());
  const int warp = static_cast<int>(ptx::thread_id()) / 32;
  int tiles, tile0;  // row tiles of the group, the block's first
  int first_row;     // padded packed row of it
  int end;           // of the block's k-steps
  const ptx::Words4* weights;
  const X* x;  // of the lane's first token
  int64_t column_stride, token_stride;

  LENO_DEVICE explicit LinearSkinny(const SkinnyParams& params) : p(params) {}

  LENO_DEVICE void load_columns(Slot& slot, int step) const {
    LENO_UNROLL
    for (int i = 0; i < kColumnsOfLane; ++i) slot.columns[i] = -1;
    if (step >= end) return;
    const int32_t* from = p.columns + static_cast<int64_t>(step) * Step::kColumns + lane % 4 * kHalf;
    LENO_UNROLL
    for (int half = 0; half < 2; ++half) {
      if constexpr (kHalf == 2) {
        const auto two = ptx::load_global(reinterpret_cast<const ptx::Words2*>(from + half * Step::kColumns / 2));
        LENO_UNROLL
        for (int i = 0; i < 2; ++i) slot.columns[half * 2 + i] = static_cast<int32_t>(two.w[i]);
      } else {
        const auto four = ptx::load_global(reinterpret_cast<const ptx::Words4*>(from + half * Step::kColumns / 2));
        LENO_UNROLL
        for (int i = 0; i < 4; ++i) slot.columns[half * 4 + i] = static_cast<int32_t>(four.w[i]);
      }
    }
  }

  LENO_DEVICE void load_weights(Slot& slot, int step) const {
    const ptx::Words4* from = weights + static_cast<int64_t>(step) * tiles * 32;
    LENO_UNROLL
    for (int t = 0; t < Tile::kRowTiles; ++t) {
      const bool inside = step < end && tile0 + t < tiles;
      slot.weights[t] = inside ? ptx::load_global_stream(from + t * 32) : ptx::Words4{{0, 0, 0, 0}};
    }
  }

  LENO_DEVICE void load_x(Slot& slot) const {
    LENO_UNROLL
    for (int n = 0; n < Tile::kTokenTiles; ++n) {
      const bool token = 8 * n + lane / 4 < p.tokens;
      LENO_UNROLL
      for (int i = 0; i < kColumnsOfLane; ++i) {
        const bool inside = token && slot.columns[i] >= 0;
        slot.x[n][i] =
            inside ? ptx::load_global(x + 8 * n * token_stride + slot.columns[i] * column_stride) : static_cast<X>(0);
      }
    }
  }

  LENO_DEVICE void multiply(float (&sums)[Tile::kRowTiles][Tile::kTokenTiles][4], const Slot& slot) const {
    uint32_t b[Tile::kTokenTiles][kWords];
    LENO_UNROLL
    for (int n = 0; n < Tile::kTokenTiles; ++n) {
      LENO_UNROLL
      for (int i = 0; i < kWords; ++i) {
        if constexpr (std::is_same_v<X, float>) {
          b[n][i] = ptx::pack({slot.x[n][2 * i], slot.x[n][2 * i + 1]}, Io{});
        } else {
          b[n][i] = slot.x[n][2 * i] | static_cast<uint32_t>(slot.x[n][2 * i + 1]) << 16;
        }
      }
    }
    LENO_UNROLL
    for (int t = 0; t < Tile::kRowTiles; ++t) {
      const auto& a = Step::fragments(slot.weights[t]);
      LENO_UNROLL
      for (int n = 0; n < Tile::kTokenTiles; ++n) Step::multiply(sums[t][n], a, b[n]);
    }
  }

  // Where a block's k-steps begin and end: its part of the group's.
  LENO_DEVICE int locate() {
    tiles = p.group_rows / 16;
    const int slabs = (tiles + Tile::kRowTiles - 1) / Tile::kRowTiles;
    const int block = static_cast<int>(ptx::block_x());
    const int group = ptx::load_global(p.order + block / slabs);
    tile0 = block % slabs * Tile::kRowTiles;
    first_row = group * p.group_rows + tile0 * 16;
    const int start = ptx::load_global(p.starts + group), steps = ptx::load_global(p.starts + group + 1) - start;
    const int64_t part = ptx::block_y();
    end = start + static_cast<int>((part + 1) * steps / p.splits);
    weights = static_cast<const ptx::Words4*>(p.values) + tile0 * 32 + lane;
    column_stride = p.x_token_major ? 1 : p.ldx;
    token_stride = p.x_token_major ? p.ldx : 1;
    x = static_cast<const X*>(p.x) + lane / 4 * token_stride;
    return start + static_cast<int>(part * steps / p.splits);
  }

  LENO_DEVICE void accumulate(float (&sums)[Tile::kRowTiles][Tile::kTokenTiles][4], int begin) const {
    Slot slot[Tile::kSlots];
    int step = begin + warp;
    LENO_UNROLL
    for (int s = 0; s < Tile::kSlots; ++s) load_columns(slot[s], step + s * Tile::kWarps);
    LENO_UNROLL
    for (int s = 0; s < Tile::kSlots; ++s) load_weights(slot[s], step + s * Tile::kWarps);
    LENO_UNROLL
    for (int s = 0; s < Tile::kSlots; ++s) {
      load_x(slot[s]);
      load_columns(slot[s], step + (s + Tile::kSlots) * Tile::kWarps);
    }
    while (step < end) {
      LENO_UNROLL
      for (int s = 0; s < Tile::kSlots; ++s) {
        multiply(sums, slot[s]);
        load_weights(slot[s], step + Tile::kSlots * Tile::kWarps);
        load_x(slot[s]);
        load_columns(slot[s], step + 2 * Tile::kSlots * Tile::kWarps);
        step += Tile::kWarps;
      }
    }
  }

  // Byte of (row of 16, token of 8) in a tile of sums. Swizzled so that a warp meets no bank twice, whether its lanes
  // hold an accumulator, run along the tokens or along the rows.
  static LENO_DEVICE uint32_t sum_at(int row, int token) {
    return static_cast<uint32_t>(row * 32 + (token ^ (row >> 2 & 3) * 2) * 4);
  }

  LENO_DEVICE ptx::SharedAddress sums_of(int slot, int t, int n) const {
    return ptx::shared_memory() + static_cast<uint32_t>(slot * Tile::kSumBytes + (t * Tile::kTokenTiles + n) * 512);
  }

  // The warps' sums into shared memory, in a fixed order: first those of the upper half of the warps are added to the
  // lower half's.
  LENO_DEVICE void lay_down(float (&sums)[Tile::kRowTiles][Tile::kTokenTiles][4]) const {
    const int slot = warp % Tile::kSums;
    LENO_UNROLL
    for (int round = 0; round < 2; ++round) {
      if ((warp < Tile::kSums) == (round == 1)) {
        LENO_UNROLL
        for (int t = 0; t < Tile::kRowTiles; ++t) {
          LENO_UNROLL
          for (int n = 0; n < Tile::kTokenTiles; ++n) {
            LENO_UNROLL
            for (int half = 0; half < 2; ++half) {
              const auto at = sums_of(slot, t, n) + sum_at(lane / 4 + 8 * half, 2 * (lane % 4));
              float lo = sums[t][n][2 * half], hi = sums[t][n][2 * half + 1];
              if (round == 1) {
                const auto other = ptx::load_shared<ptx::Floats2>(at);
                lo += other.lo;
                hi += other.hi;
              }
              ptx::store_shared(at, ptx::Floats2{lo, hi});
            }
          }
        }
      }
      ptx::sync_threads();
    }
  }

  LENO_DEVICE void write() const {
    constexpr int kCount = Tile::kRowTiles * Tile::kTokenTiles * 128;
    for (int i = static_cast<int>(ptx::thread_id()); i < kCount; i += Tile::kThreads) {
      // Lanes along what is contiguous in y.
      const int t = i / 128 / Tile::kTokenTiles, n = i / 128 % Tile::kTokenTiles;
      const int row = p.y_token_major ? i % 16 : i / 8 % 16;
      const int of_tile = p.y_token_major ? i / 16 % 8 : i % 8;
      float sum = 0;
      LENO_UNROLL
      for (int s = 0; s < Tile::kSums; ++s) {
        sum += ptx::load_shared<float>(sums_of(s, t, n) + sum_at(row, of_tile));
      }
      const int token = 8 * n + of_tile, packed = first_row + t * 16 + row;
      if (tile0 + t >= tiles) continue;
      if (p.splits > 1) {  // padded tokens too: they are read
        const int64_t rows = static_cast<int64_t>(p.groups) * p.group_rows;
        ptx::store_global(p.partial + (ptx::block_y() * rows + packed) * p.ldpartial + token, sum);
      } else if (token < p.tokens) {
        write_output<Io>(p, packed, token, sum);
      }
    }
  }

  static LENO_DEVICE void run(const SkinnyParams& params) {
    LinearSkinny kernel(params);
    float sums[Tile::kRowTiles][Tile::kTokenTiles][4] = {};
    kernel.accumulate(sums, kernel.locate());
    kernel.lay_down(sums);
    kernel.write();
  }
};

// The sums of all splits, in their order, and the epilogue: four tokens of a row a thread.
template <class Io>
LENO_DEVICE void reduce_skinny(const SkinnyParams& p) {
  const int64_t rows = static_cast<int64_t>(p.groups) * p.group_rows;
  const int64_t i = static_cast<int64_t>(ptx::block_x()) * SkinnyReduce::kThreads + ptx::thread_id();
  const int64_t row = i / (p.ldpartial / SkinnyReduce::kTokens);
  const int token = static_cast<int>(i % (p.ldpartial / SkinnyReduce::kTokens)) * SkinnyReduce::kTokens;
  if (row >= rows) return;
  float sums[SkinnyReduce::kTokens] = {};
  for (int split = 0; split < p.splits; ++split) {
    const float* from = p.partial + (split * rows + row) * p.ldpartial + token;
    const auto part = ptx::load_global(reinterpret_cast<const ptx::Words4*>(from));
    LENO_UNROLL
    for (int n = 0; n < SkinnyReduce::kTokens; ++n) sums[n] += ptx::bits_float(part.w[n]);
  }
  LENO_UNROLL
  for (int n = 0; n < SkinnyReduce::kTokens; ++n) {
    if (token + n < p.tokens) write_output<Io>(p, static_cast<int>(row), token + n, sums[n]);
  }
}

}  // namespace leno::kernels::cuda
