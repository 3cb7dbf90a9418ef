#include "clocks.h"

#include <algorithm>

#include "vector_clones.h"

namespace leno::simt {

void Handover::reset() {
  std::fill(clock.begin(), clock.end(), 0);
  std::fill(fenced.begin(), fenced.end(), 0);
}

LENO_SIMT_VECTOR void join(Clock* __restrict into, const Clock* __restrict from, size_t count) {
  for (size_t i = 0; i < count; ++i) into[i] = into[i] > from[i] ? into[i] : from[i];
}

LENO_SIMT_VECTOR void meet(Clock* __restrict into, const Clock* __restrict from, size_t count) {
  for (size_t i = 0; i < count; ++i) into[i] = into[i] < from[i] ? into[i] : from[i];
}

}  // namespace leno::simt
