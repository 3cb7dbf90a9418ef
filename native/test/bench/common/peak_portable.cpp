#include "common/peak.h"
#include "common/peak_loop.h"

namespace leno_bench {

double spin_fma_portable(long rounds) {
  typedef float Vector __attribute__((vector_size(16)));
  const Vector x = Vector{} + 0.999f, y = Vector{} + 0.001f;
  spin<12>(rounds, Vector{}, [&](Vector v) { return v * x + y; });
  return 2. * 12 * 4 * static_cast<double>(rounds);
}

}  // namespace leno_bench
