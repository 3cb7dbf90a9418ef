#pragma once

#include <immintrin.h>

#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/tile.h"

// The tile of int8 for VPDPBUSD, which multiplies four unsigned by four signed bytes and adds the products. The four
// come from any four kept columns: the tile interleaves their rows of X as it goes, so that patterns need no quads.
//
// A panel (quad_panel.h) has 32 tokens: a row of 32 pairs of equal bytes, 128 added to make them unsigned. A load and a
// load into the odd bytes make pairs of two rows, and unpacking two of those makes quads. Single bytes, joined by two
// VINSERTI64X4 and two VPERMI2B, took 2.4 cycles more for 16 dot products on Zen 4. Tokens lie in the slots of
// pair_panel.h. Strips end in what takes the 128s off again and in the scales of the rows (kQuadStripsI8).
//
// Dense weights take a panel of quads, [k / 4][32 tokens][4].
namespace leno::kernels {
namespace {

constexpr int kQuadTokens = 32;
constexpr int64_t kQuadRow = 2 * kQuadTokens, kDenseQuad = 4 * kQuadTokens;

// Bytes of two rows in turn.
__attribute__((always_inline)) inline __m512i two_rows(const std::byte* even, const std::byte* odd) {
  return _mm512_mask_loadu_epi8(_mm512_load_si512(even), 0xaaaaaaaaaaaaaaaa, odd);
}

// In assembly: around the intrinsic g++ 12 copies each sum twice and spills some. With weights from memory the loop
// takes 16.1 cycles for 16 dot products; with broadcasts into registers, which need a vector pipe, 17.4.
__attribute__((always_inline)) inline void dot(__m512i& sum, __m512i x, const float& w) {
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(x), "m"(w));
}

// The 32 tokens of four rows in turn.
struct Quads {
  __m512i x[2];
};
__attribute__((always_inline)) inline Quads four_rows(const std::byte* panel, const int32_t* k) {
  const __m512i first = two_rows(panel + k[0] * kQuadRow, panel + k[1] * kQuadRow);
  const __m512i second = two_rows(panel + k[2] * kQuadRow, panel + k[3] * kQuadRow);
  return {{_mm512_unpacklo_epi16(first, second), _mm512_unpackhi_epi16(first, second)}};
}

// As tile, over quads of columns; a weight is four int8 in the place of a float. Dense: the panel is quads already. The
// scales of the tokens lie before the panel. Every int8 kernel ends with these operations in this order.
template <int R, int NV, bool Dense>
__attribute__((noinline, aligned(64))) void quad_tile(const float* w, int64_t height, const int32_t* columns,
                                                      int64_t quads, const float* panel, int64_t, const float* bias,
                                                      float* const* out) {
  const auto* x = reinterpret_cast<const std::byte*>(panel);
  __m512i c[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) c[r][v] = _mm512_setzero_si512();
  }
#pragma GCC unroll 1
  for (int64_t i = 0; i < quads; ++i) {
    Quads q;
    if constexpr (Dense) {
      q = {{_mm512_load_si512(x), _mm512_load_si512(x + 64)}};
      x += kDenseQuad;
    } else {
      q = four_rows(x, columns + 4 * i);
    }
    if (i % 2 == 0) __builtin_prefetch(reinterpret_cast<const char*>(w) + kWeightsAhead);
    if (i < R * NV) fetch_ahead(out, R, i);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) dot(c[r][v], q.x[v], w[r]);
    }
    w += height;
  }
  const auto* offset = reinterpret_cast<const int32_t*>(w);
  const float *scale = w + height, *token_scale = panel - 2 * kQuadTokens;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
      const __m512 sum = _mm512_cvtepi32_ps(_mm512_add_epi32(c[r][v], _mm512_set1_epi32(offset[r])));
      const __m512 scaled = _mm512_mul_ps(sum, _mm512_set1_ps(scale[r]));
      const __m512 y = _mm512_fmadd_ps(scaled, _mm512_load_ps(token_scale + 16 * v), _mm512_set1_ps(bias[r]));
      _mm512_storeu_ps(out[r] + 16 * v, y);
    }
  }
}

}  // namespace
}  // namespace leno::kernels
