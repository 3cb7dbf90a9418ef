#pragma once

#include "kernels/cpu/dot_panel_i8.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/quad_tile.h"

// X as quad_tile.h reads it. Before the features of a panel lie the scales of its 32 tokens and, for packing, what
// turns features into integers (quantize.h).
namespace leno::kernels {
namespace {

// As kFeaturesAhead; with 24, and 32 features a panel at a time, the first-level cache lost rows 2 KB apart before they
// were read: 0.77 of peak at K = 1536, N = 512, dense, against 0.85 with 8 and 8.
constexpr int64_t kQuadFeaturesAhead = 8;

struct QuadHeader {
  alignas(kCacheLine) float scale[kQuadTokens];
  union {
    alignas(kCacheLine) uint32_t largest[kQuadTokens];  // as token_scale takes it
    float inverse[kQuadTokens];
  };
};
static_assert(sizeof(QuadHeader) == kShapeQuads.header);

// Takes features [k, k + columns) into the header's largest magnitudes; x from feature k on, feature-major.
template <class IO>
void measure_quads(const IO* x, int64_t ldx, int64_t k, int64_t columns, int64_t token, int tokens,
                   QuadHeader& header) {
  const __mmask16 valid[2] = {first_lanes(tokens), first_lanes(tokens - 16)};
  __m512i m[2] = {};
  for (int h = 0; h < 2 && k > 0; ++h) m[h] = _mm512_load_si512(header.largest + 16 * h);
  for (int64_t i = 0; i < columns; ++i) {
    const IO* from = x + i * ldx + token;
    __builtin_prefetch(from + kQuadFeaturesAhead * ldx);
    __builtin_prefetch(from + kQuadFeaturesAhead * ldx + 16);
    for (int h = 0; h < 2; ++h) m[h] = _mm512_max_epi32(m[h], magnitude_bits(load_f32(from + 16 * h, valid[h])));
  }
  for (int h = 0; h < 2; ++h) _mm512_store_si512(header.largest + 16 * h, m[h]);
}

// token_scale of 16 tokens.
struct QuadScales {
  __m512 scale, inverse;
};
inline QuadScales token_scales(__m512i largest) {
  const __m512 m = _mm512_castsi512_ps(largest), most = _mm512_set1_ps(127.f);
  const __mmask16 finite = _mm512_cmplt_epu32_mask(largest, _mm512_set1_epi32(kInfiniteBits));
  const __mmask16 counts = _mm512_mask_cmpge_epu32_mask(finite, largest, _mm512_set1_epi32(kTinyBits));
  const __m512 spoiled = _mm512_set1_ps(std::numeric_limits<float>::quiet_NaN());
  return {_mm512_mask_blend_ps(finite, spoiled, _mm512_maskz_div_ps(counts, m, most)),
          _mm512_maskz_div_ps(counts, most, m)};
}

// After all features were measured.
inline void set_scales(QuadHeader& header) {
  for (int h = 0; h < 32; h += 16) {
    const QuadScales s = token_scales(_mm512_load_si512(header.largest + h));
    _mm512_store_ps(header.scale + h, s.scale);
    _mm512_store_ps(header.inverse + h, s.inverse);
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

// Where the bytes of features [k, k + 16) wait to be turned: 8 vectors of 4 tokens each.
template <bool Dense>
std::byte* block_of(std::byte* panel, int64_t k) {
  return panel + k * (Dense ? kDenseQuad / 4 : kQuadRow);
}

// The largest elements of four vectors, in each lane.
inline __m512i largest_of(const __m512i (&m)[4]) {
  const __m512i a = _mm512_max_epi32(_mm512_unpacklo_epi32(m[0], m[1]), _mm512_unpackhi_epi32(m[0], m[1]));
  const __m512i b = _mm512_max_epi32(_mm512_unpacklo_epi32(m[2], m[3]), _mm512_unpackhi_epi32(m[2], m[3]));
  __m512i c = _mm512_max_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  c = _mm512_max_epi32(c, _mm512_shuffle_i32x4(c, c, 0x4e));
  return _mm512_max_epi32(c, _mm512_shuffle_i32x4(c, c, 0xb1));
}

// f(k, mask of those there are) for every 16 features.
template <class F>
__attribute__((always_inline)) inline void by_sixteen(int64_t columns, F f) {
  int64_t k = 0;
  for (; k + 16 <= columns; k += 16) f(k, __mmask16{0xffff});
  if (k < columns) f(k, first_lanes(columns - k));
}

// Four tokens in rows of x, to the `group`-th vectors of all blocks. Their measuring leaves them in the first-level
// cache.
template <bool Dense, class IO>
void quantize_tokens(const IO* const (&x)[4], int64_t ldx, int64_t columns, int group, QuadHeader& header,
                     std::byte* panel) {
  __m512i m[4] = {};
  by_sixteen(
      columns, [&](int64_t k, __mmask16 valid) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) m[j] = _mm512_max_epi32(m[j], magnitude_bits(load_f32(x[j] + k, valid)));
      });
  const QuadScales s = token_scales(largest_of(m));
  _mm_store_ps(header.scale + 4 * group, _mm512_castps512_ps128(s.scale));
  const __m512 inverse[4] = {_mm512_permute_ps(s.inverse, 0x00), _mm512_permute_ps(s.inverse, 0x55),
                             _mm512_permute_ps(s.inverse, 0xaa), _mm512_permute_ps(s.inverse, 0xff)};
  by_sixteen(
      columns, [&](int64_t k, __mmask16 valid) __attribute__((always_inline)) {
        __m512i q[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          __builtin_prefetch(x[j] + 4 * ldx + k);
          q[j] = quantized(load_f32(x[j] + k, valid), inverse[j]);
        }
        _mm512_store_si512(block_of<Dense>(panel, k) + 64 * group, bytes_of(q));
      });
}

template <bool Dense, class IO>
void pack_token_quads(const IO* x, int64_t ldx, int64_t columns, int tokens, QuadHeader& header, std::byte* panel) {
  for (int t = 0; t < tokens; t += 4) {
    const IO* rows[4];
    for (int j = 0; j < 4; ++j) rows[j] = x + (t + j < tokens ? t + j : tokens - 1) * ldx;
    quantize_tokens<Dense>(rows, ldx, columns, t / 4, header, panel);
  }
  for (int64_t k = 0; k < columns; k += 16) {
    std::byte* block = block_of<Dense>(panel, k);
    __m512i t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) t[i] = _mm512_load_si512(block + 64 * i);
    Dense ? store_dense(t, block) : store_rows(t, block);
  }
}

// Packs features [0, columns) of a measured panel, feature-major.
template <bool Dense, class IO>
void pack_feature_quads(const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, const QuadHeader& header,
                        std::byte* panel) {
  const __mmask16 valid[2] = {first_lanes(tokens), first_lanes(tokens - 16)};
  const __m512 inverse[2] = {_mm512_load_ps(header.inverse), _mm512_load_ps(header.inverse + 16)};
  const auto load = [&](int64_t k, int half) {
    return quantized(load_f32(x + k * ldx + token + 16 * half, valid[half]), inverse[half]);
  };
  constexpr int64_t kStep = Dense ? 4 : 1, kRow = Dense ? kDenseQuad / 4 : kQuadRow;
  for (int64_t k = 0; k < columns; k += kStep) {
    for (int i = 0; i < kStep; ++i) {
      __builtin_prefetch(x + (k + i + kQuadFeaturesAhead) * ldx + token);
      __builtin_prefetch(x + (k + i + kQuadFeaturesAhead) * ldx + token + 16);
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
