#pragma once

#include <type_traits>

#include "kernels/cuda/layer_norm_launch.h"
#include "kernels/cuda/ptx/ptx.h"

namespace leno::kernels::cuda {

// Io: ptx::Half, ptx::BFloat or float. Lanes: threads of a row, 32 or the whole block.
template <class Io, int Lanes>
struct LayerNorm {
  static constexpr bool kFloat = std::is_same_v<Io, float>;
  using Element = std::conditional_t<kFloat, float, uint16_t>;
  static constexpr int kChunk = LayerNormTile::chunk(sizeof(Element)), kKept = LayerNormTile::kKept;
  static_assert(Lanes == 32 || Lanes == LayerNormTile::kThreads);

  const LayerNormParams& p;
  Element* row;
  const int lane = static_cast<int>(ptx::thread_id()) % Lanes;

  struct Values {
    float v[kChunk];
  };

  // Elements past the end become zero.
  LENO_DEVICE ptx::Words4 load(int chunk) const {
    const Element* from = row + chunk * kChunk;
    const int count = p.features - chunk * kChunk;
    if (p.wide_y && count >= kChunk) return ptx::load_global_volatile(reinterpret_cast<const ptx::Words4*>(from));
    ptx::Words4 bits = {{0, 0, 0, 0}};
    LENO_UNROLL
    for (int e = 0; e < kChunk; ++e) {
      if (e >= count) continue;
      if constexpr (kFloat) {
        bits.w[e] = ptx::float_bits(ptx::load_global_volatile(from + e));
      } else {
        bits.w[e / 2] |= static_cast<uint32_t>(ptx::load_global_volatile(from + e)) << (e % 2 * 16);
      }
    }
    return bits;
  }

  static LENO_DEVICE Values unpacked(const ptx::Words4& bits) {
    Values out;
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      if constexpr (kFloat) {
        out.v[i] = ptx::bits_float(bits.w[i]);
      } else {
        const ptx::Floats2 pair = ptx::unpack(bits.w[i], Io{});
        out.v[2 * i] = pair.lo;
        out.v[2 * i + 1] = pair.hi;
      }
    }
    return out;
  }

  LENO_DEVICE Values factors(const float* from, int chunk) const {
    Values out = {};
    const int count = p.features - chunk * kChunk;
    if (p.wide_factors && count >= kChunk) {
      LENO_UNROLL
      for (int i = 0; i < kChunk; i += 4) {
        const auto four = ptx::load_global(reinterpret_cast<const ptx::Words4*>(from + chunk * kChunk + i));
        LENO_UNROLL
        for (int j = 0; j < 4; ++j) out.v[i + j] = ptx::bits_float(four.w[j]);
      }
    } else {
      LENO_UNROLL
      for (int e = 0; e < kChunk; ++e) {
        if (e < count) out.v[e] = ptx::load_global(from + chunk * kChunk + e);
      }
    }
    return out;
  }

  // f(chunk's number, its bits) for the lane's chunks: those in registers, then the others from memory.
  template <class F>
  LENO_DEVICE void for_chunks(const ptx::Words4 (&kept)[kKept], F f) const {
    const int chunks = (p.features + kChunk - 1) / kChunk;
    LENO_UNROLL
    for (int i = 0; i < kKept; ++i) {
      if (lane + i * Lanes < chunks) f(lane + i * Lanes, kept[i]);
    }
    for (int chunk = lane + kKept * Lanes; chunk < chunks; chunk += Lanes) f(chunk, load(chunk));
  }

  // Over the lanes of the row, always in the same order. slot: 0 or 1, so that no barrier is needed before the second.
  LENO_DEVICE float sum_of_row(float v, int slot) const {
    LENO_UNROLL
    for (int mask = 16; mask > 0; mask /= 2) v += ptx::shuffle_xor(v, mask);
    if constexpr (Lanes > 32) {
      const ptx::SharedAddress sums = ptx::shared_memory() + static_cast<uint32_t>(slot * LayerNormTile::kWarps * 4);
      if (lane % 32 == 0) ptx::store_shared(sums + static_cast<uint32_t>(lane / 32 * 4), v);
      ptx::sync_threads();
      v = 0;
      LENO_UNROLL
      for (int w = 0; w < LayerNormTile::kWarps; ++w) {
        v += ptx::load_shared<float>(sums + static_cast<uint32_t>(w * 4));
      }
    }
    return v;
  }

  LENO_DEVICE void store(int chunk, const Values& out) const {
    Element* to = row + chunk * kChunk;
    const int count = p.features - chunk * kChunk;
    ptx::Words4 bits;
    LENO_UNROLL
    for (int i = 0; i < 4; ++i) {
      if constexpr (kFloat) {
        bits.w[i] = ptx::float_bits(out.v[i]);
      } else {
        bits.w[i] = ptx::pack({out.v[2 * i], out.v[2 * i + 1]}, Io{});
      }
    }
    if (p.wide_y && count >= kChunk) {
      ptx::store_global(reinterpret_cast<ptx::Words4*>(to), bits);
      return;
    }
    LENO_UNROLL
    for (int e = 0; e < kChunk; ++e) {
      if (e >= count) continue;
      if constexpr (kFloat) {
        ptx::store_global(to + e, out.v[e]);
      } else {
        ptx::store_global(to + e, static_cast<uint16_t>(bits.w[e / 2] >> (e % 2 * 16)));
      }
    }
  }

  LENO_DEVICE void normalise() const {
    const int chunks = (p.features + kChunk - 1) / kChunk;
    ptx::Words4 kept[kKept];
    LENO_UNROLL
    for (int i = 0; i < kKept; ++i) {
      if (lane + i * Lanes < chunks) kept[i] = load(lane + i * Lanes);
    }
    float sum = 0;
    for_chunks(kept, [&](int, const ptx::Words4& bits) {
      const Values x = unpacked(bits);
      LENO_UNROLL
      for (int e = 0; e < kChunk; ++e) sum += x.v[e];
    });
    const float features = static_cast<float>(p.features);
    const float mean = sum_of_row(sum, 0) / features;
    float squares = 0;
    for_chunks(kept, [&](int chunk, const ptx::Words4& bits) {
      const Values x = unpacked(bits);
      LENO_UNROLL
      for (int e = 0; e < kChunk; ++e) {
        const float d = chunk * kChunk + e < p.features ? x.v[e] - mean : 0.f;
        squares += d * d;
      }
    });
    const float scale = ptx::rsqrt_approx(sum_of_row(squares, 1) / features + p.epsilon);
    for_chunks(kept, [&](int chunk, const ptx::Words4& bits) {
      const Values x = unpacked(bits), gain = factors(p.gain, chunk), shift = factors(p.shift, chunk);
      Values out;
      LENO_UNROLL
      for (int e = 0; e < kChunk; ++e) out.v[e] = (x.v[e] - mean) * scale * gain.v[e] + shift.v[e];
      store(chunk, out);
    });
  }

  static LENO_DEVICE void run(const LayerNormParams& p) {
    const int64_t first = static_cast<int64_t>(ptx::block_x());
    const int64_t token = Lanes == 32 ? first * LayerNormTile::kWarps + ptx::thread_id() / 32 : first;
    if (token >= p.tokens) return;
    LayerNorm{p, static_cast<Element*>(p.y) + token * p.ldy}.normalise();
  }
};

}  // namespace leno::kernels::cuda
