#pragma once

#include <type_traits>

#include "kernels/cuda/activation.h"
#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/ptx/ptx.h"

// What happens to the sums of a tile: scales, bias, activation, residual, one rounding, and the way to the rows of y
// that the packed rows came from. A warp works on slabs of 16 packed rows x 8 Tiles tokens, in the accumulators of
// mma.m16n8 (which are also those of wgmma): lane l of tile t holds rows l / 4 and l / 4 + 8, tokens
// 8 t + 2 (l % 4) + {0, 1}.
//
// A slab is turned through shared memory of the warp's own, so that y is written, and the residual read, 16 bytes a
// lane. Addresses that are aligned to the element alone, and edges, go element by element.
namespace leno::kernels::cuda {

template <int Tiles>
struct Staging {
  static constexpr int kTokens = 8 * Tiles;
  // 8 words more than a multiple of 32: the rows of one access lie in different banks.
  static constexpr int kStride = kTokens + 8;
  static_assert(kTokens % 32 == 0, "rows of a slab are whole sets of banks");
  static constexpr uint32_t kBytes = 16 * kStride * 4;  // of a warp

  static LENO_DEVICE uint32_t at(int row, int token) { return static_cast<uint32_t>(row * kStride + token) * 4; }
};

template <int Bytes>
LENO_DEVICE bool aligned(const void* address) {
  return (reinterpret_cast<uintptr_t>(address) & (Bytes - 1)) == 0;
}
LENO_DEVICE bool aligned16(const void* address) { return aligned<16>(address); }

// Four neighbours in memory, 16 bytes at once or one by one. Those that do not exist are zero.
LENO_DEVICE void load_floats(const float* from, bool wide, int count, float (&v)[4]) {
  if (wide) {
    const auto four = ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(from));
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = ptx::bits_float(four.w[i]);
    return;
  }
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) v[i] = i < count ? ptx::load_global_volatile(from + i) : 0.f;
}
LENO_DEVICE void store_floats(float* to, bool wide, int count, const float (&v)[4]) {
  if (wide) {
    ptx::store_global(reinterpret_cast<ptx::Words4*>(to), ptx::Words4{{ptx::float_bits(v[0]), ptx::float_bits(v[1]),
                                                                       ptx::float_bits(v[2]), ptx::float_bits(v[3])}});
    return;
  }
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) {
    if (i < count) ptx::store_global(to + i, v[i]);
  }
}

// `count` of Count neighbours of y or of the residual, fp32 or Io. Those that do not exist are zero.
template <class Io, int Count>
LENO_DEVICE void load_run(const void* base, bool floats, int64_t at, int count, float (&v)[Count]) {
  using Words = std::conditional_t<Count == 8, ptx::Words4, ptx::Words2>;
  static_assert(Count == 8 || Count == 4, "16 or 8 bytes");
  if (floats) {
    const float* from = static_cast<const float*>(base) + at;
    LENO_UNROLL
    for (int i = 0; i < Count; i += 4) {
      float four[4];
      load_floats(from + i, count >= i + 4 && aligned16(from), count - i, four);
      LENO_UNROLL
      for (int j = 0; j < 4; ++j) v[i + j] = four[j];
    }
    return;
  }
  const uint16_t* from = static_cast<const uint16_t*>(base) + at;
  Words r = {};
  if (count == Count && aligned<sizeof(Words)>(from)) {
    r = ptx::load_global_volatile(reinterpret_cast<const Words*>(from));
  } else {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) {
      if (i < count) r.w[i / 2] |= static_cast<uint32_t>(ptx::load_global_volatile(from + i)) << (i % 2 * 16);
    }
  }
  LENO_UNROLL
  for (int i = 0; i < Count / 2; ++i) {
    const ptx::Floats2 pair = ptx::unpack(r.w[i], Io{});
    v[2 * i] = pair.lo;
    v[2 * i + 1] = pair.hi;
  }
}

// The same to y, with one rounding.
template <class Io, int Count>
LENO_DEVICE void store_run(void* base, bool floats, int64_t at, int count, const float (&v)[Count]) {
  using Words = std::conditional_t<Count == 8, ptx::Words4, ptx::Words2>;
  if (floats) {
    float* to = static_cast<float*>(base) + at;
    LENO_UNROLL
    for (int i = 0; i < Count; i += 4) {
      const float four[4] = {v[i], v[i + 1], v[i + 2], v[i + 3]};
      store_floats(to + i, count >= i + 4 && aligned16(to), count - i, four);
    }
    return;
  }
  uint16_t* to = static_cast<uint16_t*>(base) + at;
  Words out;
  LENO_UNROLL
  for (int i = 0; i < Count / 2; ++i) out.w[i] = ptx::pack(ptx::Floats2{v[2 * i], v[2 * i + 1]}, Io{});
  if (count == Count && aligned<sizeof(Words)>(to)) {
    ptx::store_global(reinterpret_cast<Words*>(to), out);
  } else {
    LENO_UNROLL
    for (int i = 0; i < Count; ++i) {
      if (i < count) ptx::store_global(to + i, static_cast<uint16_t>(out.w[i / 2] >> (i % 2 * 16)));
    }
  }
}

template <class Io>
LENO_DEVICE float load_one(const void* base, bool floats, int64_t at) {
  if (floats) return ptx::load_global_volatile(static_cast<const float*>(base) + at);
  return ptx::unpack(ptx::load_global_volatile(static_cast<const uint16_t*>(base) + at), Io{}).lo;
}
template <class Io>
LENO_DEVICE void store_one(void* base, bool floats, int64_t at, float v) {
  if (floats) {
    ptx::store_global(static_cast<float*>(base) + at, v);
  } else {
    ptx::store_global(static_cast<uint16_t*>(base) + at, static_cast<uint16_t>(ptx::pack(ptx::Floats2{v, 0.f}, Io{})));
  }
}

// The last step for 8 neighbours in y, of which `count` exist: + beta residual, rounding, store. Not load_run and
// store_run: they hold 8 floats of the residual at a time, which kernels with large sums have no registers for.
template <class Io>
LENO_DEVICE void store_neighbours(const LinearParams& p, float (&v)[8], int64_t at_y, int64_t at_residual, int count) {
  if (p.y_float) {
    float* y = static_cast<float*>(p.y) + at_y;
    const float* residual = static_cast<const float*>(p.residual) + (p.residual != nullptr ? at_residual : 0);
    LENO_UNROLL
    for (int i = 0; i < 8; i += 4) {
      const bool wide = count >= i + 4 && aligned16(y);
      float four[4] = {v[i], v[i + 1], v[i + 2], v[i + 3]};
      if (p.residual != nullptr) {
        float r[4];
        load_floats(residual + i, wide && aligned16(residual), count - i, r);
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) four[j] += p.beta * r[j];
      }
      store_floats(y + i, wide, count - i, four);
    }
    return;
  }
  uint16_t* y = static_cast<uint16_t*>(p.y) + at_y;
  const bool wide = count == 8 && aligned16(y);
  if (p.residual != nullptr) {
    const uint16_t* residual = static_cast<const uint16_t*>(p.residual) + at_residual;
    ptx::Words4 r{{0, 0, 0, 0}};
    if (wide && aligned16(residual)) {
      r = ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(residual));
    } else {
      LENO_UNROLL
      for (int i = 0; i < 8; ++i) {
        if (i < count) r.w[i / 2] |= static_cast<uint32_t>(ptx::load_global_volatile(residual + i)) << (i % 2 * 16);
      }
    }
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      const ptx::Floats2 pair = ptx::unpack(r.w[i], Io{});
      v[2 * i] += p.beta * pair.lo;
      v[2 * i + 1] += p.beta * pair.hi;
    }
  }
  ptx::Words4 out;
  LENO_UNROLL
  for (int i = 0; i < 4; ++i) out.w[i] = ptx::pack(ptx::Floats2{v[2 * i], v[2 * i + 1]}, Io{});
  if (wide) {
    ptx::store_global(reinterpret_cast<ptx::Words4*>(y), out);
  } else {
    LENO_UNROLL
    for (int i = 0; i < 8; ++i) {
      if (i < count) ptx::store_global(y + i, static_cast<uint16_t>(out.w[i / 2] >> (i % 2 * 16)));
    }
  }
}

// y[row][token], 8 tokens a lane. row0: the slab's first packed row, padded.
template <class Io, int Tiles>
LENO_DEVICE void store_feature_major(const LinearParams& p, ptx::SharedAddress staging, int row0, int token0) {
  const int lane = static_cast<int>(ptx::lane_id());
  const int flip = lane >> 2 & 1;  // which half comes first: 8 lanes read 128 bytes that share no bank
  LENO_ROLL
  for (int i = 0; i < Tiles / 2; ++i) {
    const int r = (lane + 32 * i) / Tiles, token = (lane + 32 * i) % Tiles * 8;
    const ptx::SharedAddress from = staging + Staging<Tiles>::at(r, token);
    const auto first = ptx::load_shared<ptx::Words4>(from + 16 * static_cast<uint32_t>(flip));
    const auto second = ptx::load_shared<ptx::Words4>(from + 16 * static_cast<uint32_t>(1 - flip));
    const int row = ptx::load_global(p.rows + row0 + r);
    const int left = p.tokens - (token0 + token), count = left < 8 ? left : 8;
    if (row < 0 || count <= 0) continue;
    float scale = 1, bias = 0;
    if (p.scales != nullptr) scale = ptx::load_global(p.scales + row0 + r);
    if (p.bias != nullptr) bias = ptx::load_global(p.bias + row);
    float v[8];
    LENO_UNROLL
    for (int j = 0; j < 4; ++j) {
      v[j] = ptx::bits_float(flip ? second.w[j] : first.w[j]);
      v[j + 4] = ptx::bits_float(flip ? first.w[j] : second.w[j]);
    }
    if (p.token_scales != nullptr) {
      LENO_UNROLL
      for (int j = 0; j < 8; ++j) {
        if (j < count) v[j] *= scale * ptx::load_global(p.token_scales + token0 + token + j);
      }
    }
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) v[j] += bias;
    activate(v, p.activation);
    store_neighbours<Io>(p, v, row * p.ldy + token0 + token, row * p.ldresidual + token0 + token, count);
  }
}

// y[token][row], 8 rows a lane, which must be neighbours in y too: weights whose rows stay where they are.
template <class Io, int Tiles>
LENO_DEVICE void store_token_major(const LinearParams& p, ptx::SharedAddress staging, int row0, int token0) {
  const int lane = static_cast<int>(ptx::lane_id());
  const int half = lane % 2;
  int rows = 0;  // of the lane's 8, those that exist: they come first
  LENO_UNROLL
  for (int j = 0; j < 8; j += 4) {
    const auto four = ptx::load_global(reinterpret_cast<const ptx::Words4*>(p.rows + row0 + 8 * half + j));
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) rows += static_cast<int>(four.w[i]) >= 0;
  }
  const int row = ptx::load_global(p.rows + row0 + 8 * half);
  float scale[8], bias[8];
  LENO_UNROLL
  for (int j = 0; j < 8; ++j) {
    scale[j] = p.scales != nullptr ? ptx::load_global(p.scales + row0 + 8 * half + j) : 1.f;
    bias[j] = p.bias != nullptr && j < rows ? ptx::load_global(p.bias + row + j) : 0.f;
  }
  LENO_ROLL
  for (int i = 0; i < Tiles / 2; ++i) {
    const int token = 16 * i + lane / 2;
    float read[8], v[8];
    // The two halves of a token lie in the same banks: one reads two rows apart from the other.
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) {
      read[j] = ptx::load_shared<float>(staging + Staging<Tiles>::at(8 * half + (j ^ 2 * half), token));
    }
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) v[j] = half ? read[j ^ 2] : read[j];
    if (token0 + token >= p.tokens || rows == 0) continue;
    if (p.token_scales != nullptr) {
      const float of_token = ptx::load_global(p.token_scales + token0 + token);
      LENO_UNROLL
      for (int j = 0; j < 8; ++j) v[j] *= scale[j] * of_token;
    }
    LENO_UNROLL
    for (int j = 0; j < 8; ++j) v[j] += bias[j];
    activate(v, p.activation);
    const int64_t n = token0 + token;
    store_neighbours<Io>(p, v, n * p.ldy + row, n * p.ldresidual + row, rows);
  }
}

// Puts the sums of a slab into shared memory. sum(t, i): accumulator i of tile t. staging: Staging<Tiles>::kBytes of
// this warp's own, which nothing else uses any more.
template <int Tiles, class Sum>
LENO_DEVICE void stage_slab(ptx::SharedAddress staging, Sum sum) {
  const int lane = static_cast<int>(ptx::lane_id());
  LENO_UNROLL
  for (int t = 0; t < Tiles; ++t) {
    LENO_UNROLL
    for (int h = 0; h < 2; ++h) {
      ptx::store_shared(staging + Staging<Tiles>::at(lane / 4 + 8 * h, 8 * t + 2 * (lane % 4)),
                        ptx::Words2{{ptx::float_bits(sum(t, 2 * h)), ptx::float_bits(sum(t, 2 * h + 1))}});
    }
  }
}

// Writes a staged slab. All lanes of the warp call it, after stage_slab, before the next.
template <class Io, int Tiles>
LENO_DEVICE void store_slab(const LinearParams& p, ptx::SharedAddress staging, int row0, int token0) {
  ptx::sync_warp();
  if (p.y_token_major) {
    store_token_major<Io, Tiles>(p, staging, row0, token0);
  } else {
    store_feature_major<Io, Tiles>(p, staging, row0, token0);
  }
  ptx::sync_warp();
}

// The sums of split `split` of k as they are, for reduce_splits: 4 lanes fill a sector. Tokens are padded in `partial`.
template <int Tiles, class Sum>
LENO_DEVICE void store_partial(const LinearParams& p, int split, int row0, int token0, Sum sum) {
  const int lane = static_cast<int>(ptx::lane_id());
  const int64_t row = int64_t(split) * p.groups * p.group_rows + row0 + lane / 4;
  float* to = p.partial + row * p.ldpartial + token0 + 2 * (lane % 4);
  LENO_UNROLL
  for (int t = 0; t < Tiles; ++t) {
    LENO_UNROLL
    for (int h = 0; h < 2; ++h) {
      ptx::store_global(reinterpret_cast<ptx::Words2*>(to + 8 * h * p.ldpartial + 8 * t),
                        ptx::Words2{{ptx::float_bits(sum(t, 2 * h)), ptx::float_bits(sum(t, 2 * h + 1))}});
    }
  }
}

}  // namespace leno::kernels::cuda
