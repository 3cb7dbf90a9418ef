#include "common/peak.h"
#include "common/peak_loop.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace leno_bench {

#if defined(__AVX2__)
double spin_fma_avx2(long rounds) {
  const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
  spin<12>(rounds, _mm256_setzero_ps(), [&](__m256 v) { return _mm256_fmadd_ps(v, x, y); });
  return 2. * 12 * 8 * static_cast<double>(rounds);
}
#else
double spin_fma_avx2(long) { return 0; }
#endif

}  // namespace leno_bench
