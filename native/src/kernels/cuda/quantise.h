#pragma once

#include <type_traits>

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/quantise_launch.h"
#include "kernels/cuda/x_source.h"

// A block quantises all features of kTokens tokens, reading them twice: the second time they come from L2.
namespace leno::kernels::cuda {

// Eight tokens of a row, zero past the end. Io: ptx::Half, ptx::BFloat or float.
template <class Io>
LENO_DEVICE void load_tokens(const QuantiseParams& p, int row, int token, float (&v)[8]) {
  const int count = row < p.features ? clamp8(p.tokens - token) : 0;
  using Element = std::conditional_t<std::is_same_v<Io, float>, float, uint16_t>;
  const auto* from = static_cast<const Element*>(p.x) + (count > 0 ? row * p.ldx + token : 0);
  const bool wide = count == 8 && aligned16(from);
  if constexpr (std::is_same_v<Io, float>) {
    LENO_UNROLL
    for (int i = 0; i < 8; i += 4) {
      float four[4];
      load_floats(from + i, wide, count - i, four);
      LENO_UNROLL
      for (int j = 0; j < 4; ++j) v[i + j] = four[j];
    }
  } else {
    const ptx::Words4 r =
        wide ? ptx::load_global(reinterpret_cast<const ptx::Words4*>(from)) : load_each({from, count});
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      const ptx::Floats2 pair = ptx::unpack(r.w[i], Io{});
      v[2 * i] = pair.lo;
      v[2 * i + 1] = pair.hi;
    }
  }
}

template <class Io>
LENO_DEVICE void quantise(const QuantiseParams& p) {
  using Tile = QuantiseTile;
  const int thread = static_cast<int>(ptx::thread_id()), lane = static_cast<int>(ptx::lane_id());
  const int chunk = thread % Tile::kChunks, token = static_cast<int>(ptx::block_x()) * Tile::kTokens + 8 * chunk;

  float largest[8] = {}, v[8];
  LENO_ROLL
  for (int row = thread / Tile::kChunks; row < p.features; row += Tile::kRowsAtOnce) {
    load_tokens<Io>(p, row, token, v);
    LENO_UNROLL
    for (int i = 0; i < 8; ++i) {
      const float size = v[i] < 0 ? -v[i] : v[i];
      largest[i] = size > largest[i] ? size : largest[i];
    }
  }
  // Over the lanes of a warp that hold the same tokens, then over the warps.
  LENO_UNROLL
  for (int i = 0; i < 8; ++i) {
    LENO_UNROLL
    for (int apart = Tile::kChunks; apart < 32; apart *= 2) {
      const float other = ptx::shuffle_xor(largest[i], apart);
      largest[i] = other > largest[i] ? other : largest[i];
    }
  }
  const auto place = [&](int warp, int i) {
    return ptx::shared_memory() + static_cast<uint32_t>((warp * Tile::kTokens + 8 * chunk + i) * 4);
  };
  if (lane < Tile::kChunks) {
    LENO_UNROLL
    for (int i = 0; i < 8; ++i) ptx::store_shared(place(thread / 32, i), largest[i]);
  }
  ptx::sync_threads();
  float inverse[8];
  LENO_UNROLL
  for (int i = 0; i < 8; ++i) {
    float most = 0;
    LENO_UNROLL
    for (int warp = 0; warp < Tile::kThreads / 32; ++warp) {
      const float other = ptx::load_shared<float>(place(warp, i));
      most = other > most ? other : most;
    }
    inverse[i] = most > 0 ? 448.f / most : 0.f;
    if (thread < Tile::kChunks) ptx::store_global(p.scales + token + i, most / 448.f);
  }

  // All lanes go through the shuffles, those past the last row too.
  const int odd = chunk % 2;
  LENO_ROLL
  for (int first = 0; first < p.features; first += Tile::kRowsAtOnce) {
    const int row = first + thread / Tile::kChunks;
    load_tokens<Io>(p, row, token, v);
    uint32_t q[2];
    LENO_UNROLL
    for (int i = 0; i < 2; ++i) {
      const uint32_t low =
          ptx::pack(ptx::Floats2{v[4 * i] * inverse[4 * i], v[4 * i + 1] * inverse[4 * i + 1]}, ptx::E4M3{});
      const uint32_t high =
          ptx::pack(ptx::Floats2{v[4 * i + 2] * inverse[4 * i + 2], v[4 * i + 3] * inverse[4 * i + 3]}, ptx::E4M3{});
      q[i] = low | high << 16;
    }
    // An even lane keeps tokens 0 to 3 and takes 8 to 11 of its neighbour, which takes 4 to 7 and keeps 12 to 15.
    const uint32_t taken = ptx::shuffle_xor(odd ? q[0] : q[1], 1);
    const uint32_t a = odd ? taken : q[0], b = odd ? q[1] : taken;
    if (row < p.features) {
      auto* to = static_cast<unsigned char*>(p.q) + row * p.ldq + token;
      ptx::store_global(reinterpret_cast<ptx::Words2*>(to),
                        ptx::Words2{{ptx::permute_bytes(a, b, 0x5140), ptx::permute_bytes(a, b, 0x7362)}});
    }
  }
}

}  // namespace leno::kernels::cuda
