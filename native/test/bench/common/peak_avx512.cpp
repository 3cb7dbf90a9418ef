#include "common/peak.h"
#include "common/peak_loop.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace leno_bench {

#if defined(__AVX512F__)
double spin_fma_avx512(long rounds) {
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  spin<12>(rounds, _mm512_setzero_ps(), [&](__m512 v) { return _mm512_fmadd_ps(v, x, y); });
  return 2. * 12 * 16 * static_cast<double>(rounds);
}
#else
double spin_fma_avx512(long) { return 0; }
#endif

}  // namespace leno_bench
