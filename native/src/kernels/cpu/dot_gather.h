#pragma once

#include <immintrin.h>

#include "kernels/cpu/dot_weights.h"

// Kept features of a packed panel (dot_panel.h) side by side, as the dot-product units want their right operand: a step
// of K is 16 lines of 16 tokens x 4 bytes, first for tokens 0..15, a tile later for 16..31.
namespace leno::kernels {
namespace {

// Two arbitrary features in each line.
struct GatherBf16 {
  static constexpr int kSources = 32;
  template <int Halves>
  static void step(const int32_t* source, const std::byte* panel, std::byte* to) {
#pragma GCC unroll 4
    for (int i = 0; i < 16; ++i) {
      const __m512i a = _mm512_load_si512(panel + source[2 * i]), b = _mm512_load_si512(panel + source[2 * i + 1]);
      _mm512_store_si512(to + i * 64, _mm512_unpacklo_epi16(a, b));
      if (Halves == 2) _mm512_store_si512(to + kTileBytes + i * 64, _mm512_unpackhi_epi16(a, b));
    }
  }
};

// Four features: even, odd, even, odd. A panel row holds feature 2c in its even and 2c + 1 in its odd bytes.
struct GatherI8 {
  static constexpr int kSources = 64;
  template <int Halves>
  static void step(const int32_t* source, const std::byte* panel, std::byte* to) {
    constexpr __mmask64 kOdd = 0xaaaaaaaaaaaaaaaaull;
#pragma GCC unroll 4
    for (int i = 0; i < 16; ++i) {
      const int32_t* s = source + 4 * i;
      const __m512i a = _mm512_mask_loadu_epi8(_mm512_load_si512(panel + s[0]), kOdd, panel + s[1]);
      const __m512i b = _mm512_mask_loadu_epi8(_mm512_load_si512(panel + s[2]), kOdd, panel + s[3]);
      _mm512_store_si512(to + i * 64, _mm512_unpacklo_epi16(a, b));
      if (Halves == 2) _mm512_store_si512(to + kTileBytes + i * 64, _mm512_unpackhi_epi16(a, b));
    }
  }
};

}  // namespace
}  // namespace leno::kernels
