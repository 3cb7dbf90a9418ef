#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/cuda/launch.h"

// Activations in e4m3 for the tensor cores: one scale a token, its largest value becoming 448.
namespace leno::kernels::cuda {

struct QuantiseParams {
  const void* x = nullptr;  // [features][tokens], f16, bf16 or f32, any alignment to the element
  int64_t ldx = 0;
  // [features][ld] bytes at 16-byte alignment; tokens from `tokens` to ld become zero. Of 16 tokens, t lies at byte 2 t
  // and 8 + t at byte 2 t + 1 (x_source_e4m3.h says why).
  void* q = nullptr;
  int64_t ldq = 0;          // a multiple of QuantiseTile::kTokens, at least tokens
  float* scales = nullptr;  // ldq of them: x is scale times q
  int32_t features = 0, tokens = 0;
};

struct QuantiseTile {
  static constexpr int kTokens = 32, kThreads = 256;
  static constexpr int kChunks = kTokens / 8, kRowsAtOnce = kThreads / kChunks;
  static constexpr int kSharedBytes = kThreads / 32 * kTokens * 4;
};

void add_quantise(Launches& launches, const QuantiseParams& params, DType source);

}  // namespace leno::kernels::cuda
