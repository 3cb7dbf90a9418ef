#pragma once

#include "kernels/cpu/dot_panel.h"
#include "kernels/cpu/epilogue.h"
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

constexpr int kPairTokens = kPanelTokens;

// As pack_panel; rounds to bf16, to nearest even. Token-major, the panel must have room for a multiple of 32 features.
template <class IO>
void pack_pair_panel(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                     bf16_t* panel) {
  if (layout == Layout::feature_major) {
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    for (int64_t k = 0; k < columns; ++k) {
      const IO* from = x + k * ldx + token;
      __builtin_prefetch(from + kFeaturesAhead * ldx);
      _mm512_storeu_si512(panel + k * kPairTokens, _mm512_permutexvar_epi64(order, load_bf16(from, tokens)));
    }
    return;
  }
  for (int64_t k = 0; k < columns; k += 32) {
    const IO* from = x + token * ldx + k;
    pack_tokens<false>([&](int t) { return load_bf16(from + t * ldx, columns - k); }, tokens,
                       reinterpret_cast<std::byte*>(panel + k * kPairTokens));
  }
}

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
  __m512 c[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < NV; ++v) c[r][v] = _mm512_set1_ps(bias[r]);
  }
#pragma GCC unroll 1
  for (int64_t i = 0; i < pairs; ++i) {
    const __m512i first = _mm512_loadu_si512(panel + columns[2 * i] * stride);
    const __m512i second = _mm512_loadu_si512(panel + columns[2 * i + 1] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kColumnsAhead)] * stride);
    __builtin_prefetch(panel + columns[2 * (i + kColumnsAhead) + 1] * stride);
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

// As finish_block for token-major y, from sums in bf16: block[row * stride + token], which may be read up to the next
// multiple of 32 rows. Two tokens of 16 rows are transposed like floats.
inline void finish_narrow_block(const Output<bf16_t>& out, const bf16_t* block, int64_t stride, int64_t rows,
                                int64_t token, int tokens) {
  alignas(kCacheLine) uint16_t of_even[32], of_odd[32];  // row i of a token, from 2 x 16 pairs of tokens
  for (uint16_t i = 0; i < 32; ++i) {
    of_even[i] = uint16_t(2 * i);
    of_odd[i] = uint16_t(2 * i + 1);
  }
  const __m512i even = _mm512_load_si512(of_even), odd = _mm512_load_si512(of_odd);
  for (int64_t r = 0; r < rows; r += 32, block += 32 * stride) {
    __m512i half[2][16];
    for (int h = 0; h < 2; ++h) {
      for (int i = 0; i < 16; ++i) {
        half[h][i] = load_bf16(block + (16 * h + i) * stride, stride);
      }
      transpose16(half[h]);
    }
    const __mmask32 some = first_words(rows - r);
    for (int i = 0; 2 * i < tokens; ++i) {
      bf16_t* y = out.out(r, token + 2 * i);
      _mm512_mask_storeu_epi16(y, some, _mm512_permutex2var_epi16(half[0][i], even, half[1][i]));
      if (2 * i + 1 == tokens) break;
      _mm512_mask_storeu_epi16(y + out.token_step, some, _mm512_permutex2var_epi16(half[0][i], odd, half[1][i]));
    }
  }
}

}  // namespace
}  // namespace leno::kernels
