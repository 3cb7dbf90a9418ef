#pragma once

#include <cstdint>

namespace leno_bench {

// Symmetric int8 with one scale for all values, as servers quantise activations today: scale = largest magnitude / 127.
void quantize(const float* x, int64_t count, int8_t* q, float* scale);

}  // namespace leno_bench
