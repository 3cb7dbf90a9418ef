#include "common/peak.h"
#include "common/peak_loop.h"

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

namespace leno_bench {

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
double spin_bf16_avx512_dot(long rounds) {
  const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3c003c00));
  spin<12>(rounds, _mm512_setzero_ps(), [&](__m512 v) { return _mm512_dpbf16_ps(v, x, x); });
  return 2. * 12 * 32 * static_cast<double>(rounds);
}

double spin_i8_avx512_dot(long rounds) {
  const __m512i x = _mm512_set1_epi8(3);
  spin<12>(rounds, _mm512_setzero_si512(), [&](__m512i v) { return _mm512_dpbusd_epi32(v, x, x); });
  return 2. * 12 * 64 * static_cast<double>(rounds);
}
#else
double spin_bf16_avx512_dot(long) { return 0; }
double spin_i8_avx512_dot(long) { return 0; }
#endif

}  // namespace leno_bench
