#pragma once

#include "kernels/cpu/pair_tile.h"

// The tile of pair_tile.h over the planes of a convolution. The pixels that a weight meets begin anywhere, so they
// cannot lie in slots: interleaving leaves the sums in another order, which is mended once, at the end.
namespace leno::kernels {
namespace {

struct Pixels32 {
  using Words = __m512i;
  using Sums = __m512;
  static Words load(const bf16_t* p) { return _mm512_loadu_si512(p); }
  static Words low(Words a, Words b) { return _mm512_unpacklo_epi16(a, b); }
  static Words high(Words a, Words b) { return _mm512_unpackhi_epi16(a, b); }
  static Sums set1(float v) { return _mm512_set1_ps(v); }
  __attribute__((always_inline)) static void add(Sums& sum, Words x, const float& w) { add_pairs(sum, x, w); }
  // Lane l (16 bytes) of `low` has pixels 8 l .. + 3, of `high` the four behind them.
  static void store(float* to, Sums low, Sums high) {
    const __m512d a = _mm512_castps_pd(low), b = _mm512_castps_pd(high);
    _mm512_storeu_pd(to, _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), b));
    _mm512_storeu_pd(to + 16, _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), b));
  }
};

struct Pixels16 {
  using Words = __m256i;
  using Sums = __m256;
  static Words load(const bf16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Words low(Words a, Words b) { return _mm256_unpacklo_epi16(a, b); }
  static Words high(Words a, Words b) { return _mm256_unpackhi_epi16(a, b); }
  static Sums set1(float v) { return _mm256_set1_ps(v); }
  __attribute__((always_inline)) static void add(Sums& sum, Words x, const float& w) {
    asm("vdpbf16ps %2%{1to8%}, %1, %0" : "+v"(sum) : "v"(x), "m"(w));
  }
  static void store(float* to, Sums low, Sums high) {
    _mm256_storeu_ps(to, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(to + 8, _mm256_permute2f128_ps(low, high, 0x31));
  }
};

// As tile: out[r][pixel] = bias[r] + the sum over pairs of columns, for R rows and as many pixels as V has.
template <class V, int R>
__attribute__((noinline, aligned(64))) void pair_pixel_tile(const float* w, int64_t height, const int32_t* offsets,
                                                            int64_t pairs, const bf16_t* planes, int64_t,
                                                            const float* bias, float* const* out) {
  constexpr int kHeight = LinearStrips::kMaxHeight;
  typename V::Sums low[R], high[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) low[r] = high[r] = V::set1(bias[r]);
#pragma GCC unroll 1
  for (int64_t i = 0; i < pairs; ++i) {
    const auto first = V::load(planes + offsets[2 * i]), second = V::load(planes + offsets[2 * i + 1]);
    for (int j = 0; j < 2; ++j) {
      const bf16_t* ahead = planes + offsets[2 * (i + kFetchedAhead) + j];
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + 31);
    }
    if (i % 2 == 0) __builtin_prefetch(reinterpret_cast<const char*>(w) + kWeightsAhead);
    if (i < R) {
      __builtin_prefetch(out[kHeight + i], 1);
      __builtin_prefetch(out[2 * kHeight + i], 1);
    }
    const auto even = V::low(first, second), odd = V::high(first, second);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      V::add(low[r], even, w[r]);
      V::add(high[r], odd, w[r]);
    }
    w += height;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) V::store(out[r], low[r], high[r]);
}

}  // namespace
}  // namespace leno::kernels
