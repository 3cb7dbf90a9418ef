#include <cmath>

#include "quantize.h"

// Compiled for the machine at hand with -ffast-math, so that the competitor's quantisation is vectorised like ours.
namespace leno_bench {

void quantize_token_major(const float* x, int64_t tokens, int64_t features, int8_t* q, float* scale) {
  for (int64_t n = 0; n < tokens; ++n, x += features, q += features) {
    float largest = 0;
    for (int64_t k = 0; k < features; ++k) largest = std::fmax(largest, std::fabs(x[k]));
    scale[n] = largest / 127;
    const float inverse = largest > 0 ? 127 / largest : 0;
    for (int64_t k = 0; k < features; ++k)
      q[k] = static_cast<int8_t>(static_cast<int32_t>(std::nearbyint(x[k] * inverse)));
  }
}

void quantize_feature_major(const float* x, int64_t tokens, int64_t features, int8_t* q, float* scale) {
  for (int64_t n = 0; n < tokens; ++n) scale[n] = 0;
  for (int64_t k = 0; k < features; ++k) {
    for (int64_t n = 0; n < tokens; ++n) scale[n] = std::fmax(scale[n], std::fabs(x[k * tokens + n]));
  }
  for (int64_t n = 0; n < tokens; ++n) scale[n] /= 127;
  for (int64_t k = 0; k < features; ++k) {
    for (int64_t n = 0; n < tokens; ++n) {
      q[k * tokens + n] = static_cast<int8_t>(static_cast<int32_t>(std::nearbyint(x[k * tokens + n] / scale[n])));
    }
  }
}

}  // namespace leno_bench
