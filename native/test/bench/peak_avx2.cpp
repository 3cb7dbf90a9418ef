#include "peak.h"
#include "peak_loop.h"

namespace leno_bench {

#if defined(__AVX2__)
typedef float Vector __attribute__((vector_size(32)));

double spin_fma_avx2(long rounds) { return spin_fma<Vector, 12>(rounds); }
#else
double spin_fma_avx2(long) { return 0; }
#endif

}  // namespace leno_bench
