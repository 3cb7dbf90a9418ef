#include "peak.h"
#include "peak_loop.h"

namespace leno_bench {

typedef float Vector __attribute__((vector_size(16)));

double spin_fma_portable(long rounds) { return spin_fma<Vector, 12>(rounds); }

}  // namespace leno_bench
