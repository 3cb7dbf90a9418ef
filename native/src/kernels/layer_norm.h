#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/isa.h"

// Layer normalisation, the pass that may follow a token-major linear kernel while its rows are warm.
namespace leno::kernels {

struct LayerNorm {
  const float* gain = nullptr;   // features values
  const float* shift = nullptr;  // features values
  int64_t features = 0;
  float epsilon = 0;
};

// In place over `tokens` rows of y, stride ldy: y = (y - mean) / sqrt(variance + epsilon) * gain + shift, mean and
// variance over the features of a row, in fp32.
using LayerNormRows = void (*)(const LayerNorm& norm, void* y, int64_t ldy, int64_t tokens) noexcept;

LayerNormRows layer_norm_rows(Isa isa, DType io);

}  // namespace leno::kernels
