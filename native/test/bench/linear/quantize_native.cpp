#include <cmath>

#include "linear/quantize.h"

// Compiled for the machine at hand with -ffast-math, so that the competitor's quantisation is vectorised like ours.
namespace leno_bench {

void quantize(const float* x, int64_t count, int8_t* q, float* scale) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::fmax(largest, std::fabs(x[i]));
  *scale = largest / 127;
  const float inverse = largest > 0 ? 127 / largest : 0;
  for (int64_t i = 0; i < count; ++i) q[i] = static_cast<int8_t>(static_cast<int32_t>(std::nearbyint(x[i] * inverse)));
}

}  // namespace leno_bench
