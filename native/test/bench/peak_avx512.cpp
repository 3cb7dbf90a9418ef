#include "peak.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace leno_bench {

#if defined(__AVX512F__)
double spin_fma_avx512(long rounds) {
  constexpr int kChains = 16;
  __m512 chains[kChains], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  for (__m512& c : chains) c = _mm512_setzero_ps();
  for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chains[i] = _mm512_fmadd_ps(chains[i], x, y);
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) asm volatile("" : "+v"(chains[i]));
  }
  return 2. * kChains * 16 * static_cast<double>(rounds);
}
#else
double spin_fma_avx512(long) { return 0; }
#endif

}  // namespace leno_bench
