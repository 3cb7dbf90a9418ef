#include "peak.h"

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

namespace leno_bench {

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
constexpr int kChains = 16;

double spin_bf16_avx512_dot(long rounds) {
  __m512 chains[kChains];
  const __m512bh x = (__m512bh)_mm512_set1_epi32(0x3c003c00);
  for (__m512& c : chains) c = _mm512_setzero_ps();
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chains[i] = _mm512_dpbf16_ps(chains[i], x, x);
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) asm volatile("" : "+v"(chains[i]));
  }
  return 2. * kChains * 32 * static_cast<double>(rounds);
}

double spin_i8_avx512_dot(long rounds) {
  __m512i chains[kChains], x = _mm512_set1_epi8(3);
  for (__m512i& c : chains) c = _mm512_setzero_si512();
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chains[i] = _mm512_dpbusd_epi32(chains[i], x, x);
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) asm volatile("" : "+v"(chains[i]));
  }
  return 2. * kChains * 64 * static_cast<double>(rounds);
}
#else
double spin_bf16_avx512_dot(long) { return 0; }
double spin_i8_avx512_dot(long) { return 0; }
#endif

}  // namespace leno_bench
