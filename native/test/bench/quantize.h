#pragma once

#include <cstdint>

namespace leno_bench {

// Symmetric int8 per token: scale[n] = largest magnitude / 127. The feature-major one takes and gives
// [features][tokens].
void quantize_token_major(const float* x, int64_t tokens, int64_t features, int8_t* q, float* scale);
void quantize_feature_major(const float* x, int64_t tokens, int64_t features, int8_t* q, float* scale);

}  // namespace leno_bench
