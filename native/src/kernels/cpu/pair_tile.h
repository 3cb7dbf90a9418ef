#pragma once

#include "kernels/cpu/panel.h"
#include "kernels/cpu/simd_avx512.h"
#include "kernels/cpu/tile.h"

// Panels and tiles for VDPBF16PS, which multiplies two bf16 and adds both products. The two come from any two kept
// columns: the tile interleaves their rows of X as it goes, so that patterns need no pairs.
//
// A panel has 32 tokens in bf16: panel[k * 32 + slot]. Tokens lie in slots so that interleaving the low and the high
// halves of the 128-bit lanes of two rows gives tokens 0..15 and 16..31 in order.
namespace leno::kernels {
namespace {

constexpr int kPairTokens = 32;

inline void store_slots(__m512i tokens, bf16_t* to) {
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  _mm512_storeu_si512(to, _mm512_permutexvar_epi64(order, tokens));
}

inline void store_slots(__m512 low, __m512 high, bf16_t* to) {
  store_slots((__m512i)_mm512_cvtne2ps_pbh(high, low), to);
}

// As pack_panel; rounds to bf16, to nearest even.
template <class IO>
void pack_pair_panel(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                     bf16_t* panel) {
  using S = Avx512;
  constexpr int L = S::kLanes;
  const int low = tokens < L ? tokens : L, high = tokens - low;
  if (layout == Layout::feature_major) {
    for (int64_t k = 0; k < columns; ++k) {
      const IO* from = x + k * ldx + token;
      __builtin_prefetch(from + kFeaturesAhead * ldx);
      const auto rest = high == 0 ? S::zero() : S::load(from + L, high);
      store_slots(S::load(from, low), rest, panel + k * kPairTokens);
    }
    return;
  }
  alignas(kCacheLine) float block[kPairTokens * L] = {};  // [token][feature]
  for (int64_t k = 0; k < columns; k += L) {
    const int features = columns - k < L ? int(columns - k) : L;
    for (int t = 0; t < tokens; ++t) S::store(block + t * L, S::load(x + (token + t) * ldx + k, features));
    for (int f = 0; f < L; f += 4) {
      S::Vec a[4], b[4];
      S::transpose4(block + f, L, a);
      S::transpose4(block + L * L + f, L, b);
      for (int i = 0; i < 4; ++i) store_slots(a[i], b[i], panel + (k + f + i) * kPairTokens);
    }
  }
}

// As tile, over pairs of columns; a weight and an element of the panel are two bf16 in the place of a float.
template <int R>
__attribute__((noinline, aligned(64))) void pair_tile(const float* w, int64_t height, const int32_t* columns,
                                                      int64_t pairs, const float* panel, int64_t stride,
                                                      const float* bias, float* const* out) {
  __m512 c[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) c[r][0] = c[r][1] = _mm512_set1_ps(bias[r]);
#pragma GCC unroll 1
  for (int64_t i = 0; i < pairs; ++i) {
    const __m512i first = _mm512_loadu_si512(panel + columns[2 * i] * stride);
    const __m512i second = _mm512_loadu_si512(panel + columns[2 * i + 1] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kColumnsAhead)] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kColumnsAhead) + 1] * stride);
    __builtin_prefetch(reinterpret_cast<const char*>(w) + kWeightsAhead);
    const auto low = (__m512bh)_mm512_unpacklo_epi16(first, second);
    const auto high = (__m512bh)_mm512_unpackhi_epi16(first, second);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const auto a = (__m512bh)_mm512_castps_si512(_mm512_set1_ps(w[r]));
      c[r][0] = _mm512_dpbf16_ps(c[r][0], low, a);
      c[r][1] = _mm512_dpbf16_ps(c[r][1], high, a);
    }
    w += height;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    _mm512_storeu_ps(out[r], c[r][0]);
    _mm512_storeu_ps(out[r] + 16, c[r][1]);
  }
}

}  // namespace
}  // namespace leno::kernels
