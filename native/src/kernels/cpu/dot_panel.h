#pragma once

#include <immintrin.h>

#include "core/dtype.h"
#include "kernels/cpu/dot_weights.h"
#include "kernels/linear_kernel.h"

// X as the gather of dot_linear.h reads it: a panel of 32 tokens, panel[row][32] of 16-bit elements. Element `row` of
// a token is bf16 feature `row`, or the int8 features 2 row and 2 row + 1. Lane l (16 bytes) of a row holds tokens
// 4l..4l+3 and 16+4l..16+4l+3, so that unpacking two rows gives 16 consecutive tokens, each with both rows.
namespace leno::kernels {
namespace {

inline __mmask16 first_lanes(int64_t n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : __mmask16((1u << n) - 1u); }
inline __mmask32 first_words(int64_t n) { return n >= 32 ? ~0u : n <= 0 ? 0 : (1u << n) - 1u; }

inline __m512 load_f32(const float* p, __mmask16 m) { return _mm512_maskz_loadu_ps(m, p); }
inline __m512 load_f32(const bf16_t* p, __mmask16 m) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, p)), 16));
}

// 32 values as bf16, 0 beyond the first n.
inline __m512i load_bf16(const bf16_t* p, int64_t n) { return _mm512_maskz_loadu_epi16(first_words(n), p); }
inline __m512i load_bf16(const float* p, int64_t n) {
  if (n >= 32) return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(p + 16), _mm512_loadu_ps(p));
  const __m512 low = load_f32(p, first_lanes(n)), high = load_f32(p + 16, first_lanes(n - 16));
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// 16 x 16 transpose of 32-bit elements.
__attribute__((always_inline)) inline void transpose16(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int h = 0; h < 2; ++h) {
      r[i + 2 * h] = _mm512_unpacklo_epi64(t[i + h], t[i + 2 + h]);
      r[i + 2 * h + 1] = _mm512_unpackhi_epi64(t[i + h], t[i + 2 + h]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// 32 panel rows from 64 bytes of each of 32 tokens: load(token) gives them, in order, or with Swapped such that 32-bit
// element 4 l + j is number 4 j + l.
template <bool Swapped, class Load>
inline void pack_tokens(Load load, int tokens, std::byte* panel) {
  __m512i half[2][16];
  for (int h = 0; h < 2; ++h) {
    if (tokens == kPanelTokens) {
      for (int i = 0; i < 16; ++i) half[h][i] = load(h * 16 + i);
    } else {
      for (int i = 0; i < 16; ++i) half[h][i] = h * 16 + i < tokens ? load(h * 16 + i) : _mm512_setzero_si512();
    }
    transpose16(half[h]);
  }
  const __m512i low = _mm512_set1_epi32(0xffff);
  for (int i = 0; i < 16; ++i) {
    const __m512i a = half[0][i], b = half[1][i];
    const int element = Swapped ? i % 4 * 4 + i / 4 : i;
    __m512i* to = reinterpret_cast<__m512i*>(panel + 2 * element * kPanelRowBytes);
    _mm512_store_si512(to, _mm512_packus_epi32(_mm512_and_si512(a, low), _mm512_and_si512(b, low)));
    _mm512_store_si512(to + 1, _mm512_packus_epi32(_mm512_srli_epi32(a, 16), _mm512_srli_epi32(b, 16)));
  }
}

// bf16 panel of features [0, columns) and up to 32 tokens from `token` on. Tokens beyond are zeros.
template <class IO>
void pack_bf16(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, std::byte* panel) {
  const int64_t zero_row = panel_zero_row(DType::bf16, columns);
  if (layout == Layout::token_major) {
    const IO* from = x + token * ldx;
    int64_t k = 0;
    for (; k + 32 <= columns; k += 32) {
      pack_tokens<false>([&](int t) { return load_bf16(from + t * ldx + k, 32); }, tokens, panel + k * kPanelRowBytes);
    }
    if (k < columns) {
      pack_tokens<false>([&](int t) { return load_bf16(from + t * ldx + k, columns - k); }, tokens,
                         panel + k * kPanelRowBytes);
    }
  } else {
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    for (int64_t k = 0; k < columns; ++k) {
      const __m512i v = load_bf16(x + k * ldx + token, tokens);
      _mm512_store_si512(panel + k * kPanelRowBytes, _mm512_permutexvar_epi64(order, v));
    }
  }
  _mm512_store_si512(panel + zero_row * kPanelRowBytes, _mm512_setzero_si512());
}

}  // namespace
}  // namespace leno::kernels
