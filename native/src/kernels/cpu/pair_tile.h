#pragma once

#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/pair_panel.h"
#include "kernels/cpu/tile.h"

// The tile for VDPBF16PS, which multiplies two bf16 and adds both products. The two come from any two kept columns: the
// tile interleaves their rows of X (pair_panel.h) as it goes, so that patterns need no pairs.
namespace leno::kernels {
namespace {

// sum += x * weights, two products a lane. The compiler would broadcast the weights first, which takes an instruction
// of the multiplier's: on Zen 4 8 x 2 tiles in L1 run at 0.99 of peak instead of 0.96, 8 x 1 at 0.91 instead of 0.68.
__attribute__((always_inline)) inline void add_pairs(__m512& sum, __m512i x, const float& weights) {
  asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(x), "m"(weights));
}

// As tile, over pairs of columns; a weight and an element of the panel are two bf16 in the place of a float. Out may
// be bf16_t: the sums are then rounded, and `out` holds pointers to bf16_t.
template <class Out, int R, int NV>
__attribute__((noinline, aligned(64))) void pair_tile(const float* w, int64_t height, const int32_t* columns,
                                                      int64_t pairs, const float* panel, int64_t stride,
                                                      const float* bias, float* const* out) {
  static_assert(2 * kFetchedAhead <= LinearStrips::kColumnsAhead);
  __m512 c[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < NV; ++v) c[r][v] = _mm512_set1_ps(bias[r]);
  }
#pragma GCC unroll 1
  for (int64_t i = 0; i < pairs; ++i) {
    const __m512i first = _mm512_loadu_si512(panel + columns[2 * i] * stride);
    const __m512i second = _mm512_loadu_si512(panel + columns[2 * i + 1] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kFetchedAhead)] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kFetchedAhead) + 1] * stride);
    if (i % 2 == 0) __builtin_prefetch(reinterpret_cast<const char*>(w) + kWeightsAhead);
    if (i < R) __builtin_prefetch(out[LinearStrips::kMaxHeight + i], 1);
    const __m512i low = _mm512_unpacklo_epi16(first, second), high = _mm512_unpackhi_epi16(first, second);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      add_pairs(c[r][0], low, w[r]);
      if constexpr (NV == 2) add_pairs(c[r][1], high, w[r]);
    }
    w += height;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    if constexpr (sizeof(Out) == 4) {
      for (int v = 0; v < NV; ++v) _mm512_storeu_ps(out[r] + 16 * v, c[r][v]);
    } else if constexpr (NV == 2) {
      _mm512_storeu_si512(out[r], (__m512i)_mm512_cvtne2ps_pbh(c[r][1], c[r][0]));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out[r]), (__m256i)_mm512_cvtneps_pbh(c[r][0]));
    }
  }
}

}  // namespace
}  // namespace leno::kernels
