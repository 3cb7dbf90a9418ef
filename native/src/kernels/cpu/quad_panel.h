#pragma once

#include "kernels/cpu/dot_panel_i8.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/quad_tile.h"

// X as quad_tile.h reads it. Before the features of a panel lie the scales of its 32 tokens and, for packing, what
// turns features into integers (quantize.h).
namespace leno::kernels {
namespace {

struct QuadHeader {
  alignas(kCacheLine) float scale[kQuadTokens];
  union {
    alignas(kCacheLine) uint32_t largest[kQuadTokens];  // as token_scale takes it
    float inverse[kQuadTokens];
  };
};
static_assert(sizeof(QuadHeader) == kShapeQuads.header);

// Takes features [k, k + columns) into the header's largest magnitudes; x from feature k on.
template <class IO>
void measure_quads(Layout layout, const IO* x, int64_t ldx, int64_t k, int64_t columns, int64_t token, int tokens,
                   QuadHeader& header) {
  if (layout == Layout::token_major) {
    for (int t = 0; t < kQuadTokens; ++t) {
      header.largest[t] = t < tokens ? largest_magnitude(x + (token + t) * ldx, columns) : 0;
    }
    return;
  }
  const __mmask16 valid[2] = {first_lanes(tokens), first_lanes(tokens - 16)};
  __m512i m[2] = {};
  for (int h = 0; h < 2 && k > 0; ++h) m[h] = _mm512_load_si512(header.largest + 16 * h);
  for (int64_t i = 0; i < columns; ++i) {
    const IO* from = x + i * ldx + token;
    __builtin_prefetch(from + kFeaturesAhead * ldx);
    __builtin_prefetch(from + kFeaturesAhead * ldx + 16);
    for (int h = 0; h < 2; ++h) m[h] = _mm512_max_epi32(m[h], magnitude_bits(load_f32(from + 16 * h, valid[h])));
  }
  for (int h = 0; h < 2; ++h) _mm512_store_si512(header.largest + 16 * h, m[h]);
}

inline void set_scales(QuadHeader& header) {
  for (int t = 0; t < kQuadTokens; ++t) {
    const TokenScale s = token_scale(header.largest[t]);
    header.scale[t] = s.scale;
    header.inverse[t] = s.inverse;
  }
}

inline __m512i quantized(__m512 x, __m512 inverse) { return _mm512_cvtps_epi32(_mm512_mul_ps(x, inverse)); }

inline __m512i made_unsigned(__m512i bytes) { return _mm512_xor_si512(bytes, _mm512_set1_epi8(-128)); }

// Integers of four vectors as unsigned bytes; lane l has elements 4 l .. 4 l + 3 of each.
inline __m512i bytes_of(const __m512i (&q)[4]) {
  return made_unsigned(_mm512_packs_epi16(_mm512_packs_epi32(q[0], q[1]), _mm512_packs_epi32(q[2], q[3])));
}

// Transposes the 4 x 4 bytes of each lane.
inline __m512i turned(__m512i bytes) {
  const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(order));
}

// t[i] lane l: features 4 l .. 4 l + 3 of tokens 4 i .. 4 i + 3. To quads of a dense panel.
inline void store_dense(const __m512i (&t)[8], std::byte* panel) {
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h) {
    const __m512i a = _mm512_shuffle_i32x4(t[4 * h], t[4 * h + 1], 0x44);
    const __m512i b = _mm512_shuffle_i32x4(t[4 * h], t[4 * h + 1], 0xee);
    const __m512i c = _mm512_shuffle_i32x4(t[4 * h + 2], t[4 * h + 3], 0x44);
    const __m512i d = _mm512_shuffle_i32x4(t[4 * h + 2], t[4 * h + 3], 0xee);
    std::byte* to = panel + 64 * h;
    _mm512_store_si512(to, _mm512_shuffle_i32x4(a, c, 0x88));
    _mm512_store_si512(to + kDenseQuad, _mm512_shuffle_i32x4(a, c, 0xdd));
    _mm512_store_si512(to + 2 * kDenseQuad, _mm512_shuffle_i32x4(b, d, 0x88));
    _mm512_store_si512(to + 3 * kDenseQuad, _mm512_shuffle_i32x4(b, d, 0xdd));
  }
}

// A row of a panel from the `row`-th half of 64 bytes.
struct QuadSlots {
  alignas(64) uint8_t from[64];
  constexpr explicit QuadSlots(int row) : from() {
    for (int i = 0; i < 64; ++i) from[i] = uint8_t(32 * row + i / 16 * 4 + i % 16 / 8 * 16 + i % 8 / 2);
  }
};
constexpr QuadSlots kQuadSlots[2] = {QuadSlots(0), QuadSlots(1)};

// The same to rows.
inline void store_rows(__m512i (&t)[8], std::byte* panel) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) t[i] = turned(t[i]);
#pragma GCC unroll 2
  for (int h = 0; h < 8; h += 4) {  // then lane l of t[h + i]: feature 4 l + i of 16 tokens
    const __m512i a = _mm512_unpacklo_epi32(t[h], t[h + 1]), b = _mm512_unpackhi_epi32(t[h], t[h + 1]);
    const __m512i c = _mm512_unpacklo_epi32(t[h + 2], t[h + 3]), d = _mm512_unpackhi_epi32(t[h + 2], t[h + 3]);
    t[h] = _mm512_unpacklo_epi64(a, c);
    t[h + 1] = _mm512_unpackhi_epi64(a, c);
    t[h + 2] = _mm512_unpacklo_epi64(b, d);
    t[h + 3] = _mm512_unpackhi_epi64(b, d);
  }
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  const __m512i slots[2] = {_mm512_load_si512(kQuadSlots[0].from), _mm512_load_si512(kQuadSlots[1].from)};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512i pair[2] = {_mm512_permutex2var_epi64(t[i], low, t[i + 4]),
                             _mm512_permutex2var_epi64(t[i], high, t[i + 4])};  // features 4 l + i of l = 0, 1; 2, 3
#pragma GCC unroll 4
    for (int l = 0; l < 4; ++l) {
      _mm512_store_si512(panel + (4 * l + i) * kQuadRow, _mm512_permutexvar_epi8(slots[l % 2], pair[l / 2]));
    }
  }
}

// Up to 16 features of all tokens of a panel, from rows of x at distance ldx.
template <bool Dense, class IO>
void turn_quads(const IO* x, int64_t ldx, int tokens, int features, const float* inverse, std::byte* panel) {
  const __mmask16 valid = first_lanes(features);
  __m512i t[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    __m512i q[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int token = 4 * i + j;
      q[j] = token < tokens ? quantized(load_f32(x + token * ldx, valid), _mm512_set1_ps(inverse[token]))
                            : _mm512_setzero_si512();
    }
    t[i] = bytes_of(q);
  }
  Dense ? store_dense(t, panel) : store_rows(t, panel);
}

// Packs features [0, columns) of tokens [token, token + tokens). The panel must have room for a multiple of 16
// features.
template <bool Dense, class IO>
void pack_quads(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                const QuadHeader& header, std::byte* panel) {
  constexpr int64_t kRow = Dense ? kDenseQuad / 4 : kQuadRow;
  if (layout == Layout::token_major) {
    const IO* from = x + token * ldx;
    int64_t k = 0;
    for (; k + 16 <= columns && tokens == kQuadTokens; k += 16) {
      turn_quads<Dense>(from + k, ldx, kQuadTokens, 16, header.inverse, panel + k * kRow);
    }
    for (; k < columns; k += 16) {
      const int features = columns - k < 16 ? int(columns - k) : 16;
      turn_quads<Dense>(from + k, ldx, tokens, features, header.inverse, panel + k * kRow);
    }
    return;
  }
  const __mmask16 valid[2] = {first_lanes(tokens), first_lanes(tokens - 16)};
  const __m512 inverse[2] = {_mm512_load_ps(header.inverse), _mm512_load_ps(header.inverse + 16)};
  const auto load = [&](int64_t k, int half) {
    return quantized(load_f32(x + k * ldx + token + 16 * half, valid[half]), inverse[half]);
  };
  constexpr int64_t kStep = Dense ? 4 : 1;
  for (int64_t k = 0; k < columns; k += kStep) {
    for (int i = 0; i < kStep; ++i) {
      __builtin_prefetch(x + (k + i + kFeaturesAhead) * ldx + token);
      __builtin_prefetch(x + (k + i + kFeaturesAhead) * ldx + token + 16);
    }
    if constexpr (Dense) {
      for (int h = 0; h < 2; ++h) {
        __m512i q[4];
        for (int i = 0; i < 4; ++i) q[i] = k + i < columns ? load(k + i, h) : _mm512_setzero_si512();
        _mm512_store_si512(panel + k * kRow + 64 * h, turned(bytes_of(q)));
      }
    } else {
      const __m128i doubled = _mm_setr_epi8(0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
      const __m512i words = _mm512_packs_epi32(load(k, 0), load(k, 1));
      const __m512i row = _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(doubled));
      _mm512_store_si512(panel + k * kRow, made_unsigned(row));
    }
  }
}

}  // namespace
}  // namespace leno::kernels
