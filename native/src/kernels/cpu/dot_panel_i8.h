#pragma once

#include "kernels/cpu/dot_panel.h"
#include "kernels/cpu/quantize.h"

// int8 panels: two features in each 16-bit element, quantised per token (quantize.h).
namespace leno::kernels {
namespace {

inline __m512i magnitude_bits(__m512 v) {
  return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

template <class IO>
uint32_t largest_magnitude(const IO* x, int64_t columns) {
  __m512i m[4] = {};
  int64_t k = 0;
  for (; k + 64 <= columns; k += 64) {
    for (int i = 0; i < 4; ++i) m[i] = _mm512_max_epi32(m[i], magnitude_bits(load_f32(x + k + 16 * i, 0xffff)));
  }
  for (; k < columns; k += 16) m[0] = _mm512_max_epi32(m[0], magnitude_bits(load_f32(x + k, first_lanes(columns - k))));
  return static_cast<uint32_t>(
      _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_max_epi32(m[0], m[1]), _mm512_max_epi32(m[2], m[3]))));
}

template <class IO>
inline __m512i quantize16(const IO* x, int64_t n, __m512 inverse) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(load_f32(x, first_lanes(n)), inverse));
}

// 64 features of a token. 32-bit element 4 l + j holds features 16 j + 4 l on.
template <class IO>
inline __m512i quantize64(const IO* x, int64_t n, float inverse) {
  const __m512 f = _mm512_set1_ps(inverse);
  const __m512i a = quantize16(x, n, f), b = quantize16(x + 16, n - 16, f);
  const __m512i c = quantize16(x + 32, n - 32, f), d = quantize16(x + 48, n - 48, f);
  return _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}

// Panel of features [0, columns) and up to 32 tokens from `token` on; scales receives 32 scales. Tokens beyond are 0.
template <class IO>
void pack_i8(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, std::byte* panel,
             float* scales) {
  alignas(64) float inverse[kPanelTokens];
  const auto set_scale = [&](int t, uint32_t largest) {
    const TokenScale s = token_scale(largest);
    scales[t] = s.scale;
    inverse[t] = s.inverse;
  };
  if (layout == Layout::token_major) {
    const IO* from = x + token * ldx;
    for (int t = 0; t < kPanelTokens; ++t) set_scale(t, t < tokens ? largest_magnitude(from + t * ldx, columns) : 0);
    int64_t k = 0;
    for (; k + 64 <= columns; k += 64) {
      pack_tokens<true>([&](int t) { return quantize64(from + t * ldx + k, 64, inverse[t]); }, tokens,
                        panel + k / 2 * kPanelRowBytes);
    }
    if (k < columns) {
      pack_tokens<true>([&](int t) { return quantize64(from + t * ldx + k, columns - k, inverse[t]); }, tokens,
                        panel + k / 2 * kPanelRowBytes);
    }
  } else {
    const IO* from = x + token;
    const __mmask16 valid[2] = {first_lanes(tokens), first_lanes(tokens - 16)};
    __m512i m[2] = {};
    for (int64_t k = 0; k < columns; ++k) {
      for (int h = 0; h < 2; ++h) {
        m[h] = _mm512_max_epi32(m[h], magnitude_bits(load_f32(from + k * ldx + 16 * h, valid[h])));
      }
    }
    alignas(64) uint32_t largest[kPanelTokens];
    for (int h = 0; h < 2; ++h) _mm512_store_si512(largest + 16 * h, m[h]);
    for (int t = 0; t < kPanelTokens; ++t) set_scale(t, largest[t]);
    for (int64_t k = 0; k < columns; k += 2) {
      __m512i pair[2];
      for (int h = 0; h < 2; ++h) {
        const __m512 f = _mm512_load_ps(inverse + 16 * h);
        const IO* at = from + k * ldx + 16 * h;
        const __m512i even = _mm512_cvtps_epi32(_mm512_mul_ps(load_f32(at, valid[h]), f));
        const __m512i odd = k + 1 < columns ? _mm512_cvtps_epi32(_mm512_mul_ps(load_f32(at + ldx, valid[h]), f))
                                            : _mm512_setzero_si512();
        pair[h] = _mm512_or_si512(_mm512_and_si512(even, _mm512_set1_epi32(0xff)),
                                  _mm512_and_si512(_mm512_slli_epi32(odd, 8), _mm512_set1_epi32(0xff00)));
      }
      _mm512_store_si512(panel + k / 2 * kPanelRowBytes, _mm512_packus_epi32(pair[0], pair[1]));
    }
  }
  _mm512_store_si512(panel + panel_zero_row(DType::i8, columns) * kPanelRowBytes, _mm512_setzero_si512());
}

}  // namespace
}  // namespace leno::kernels
