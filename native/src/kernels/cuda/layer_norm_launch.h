#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/cuda/launch.h"

// Layer normalisation of token-major activations on the card: what may follow a linear kernel.
namespace leno::kernels::cuda {

// In place over `tokens` rows of y: y = (y - mean) / sqrt(variance + epsilon) * gain + shift, mean and variance over
// the features of a row, in fp32, of y as it was stored (rounded where it has 16 bits), as on the CPU. All addresses
// are the device's, aligned to the element; at multiples of 16 bytes (addresses and stride) accesses are 16 bytes wide.
struct LayerNormParams {
  void* y = nullptr;
  int64_t ldy = 0;               // elements
  const float* gain = nullptr;   // `features` values
  const float* shift = nullptr;  // `features` values
  int32_t tokens = 0;
  int32_t features = 0;
  float epsilon = 0;
  // Filled by add_layer_norm: whether whole 16-byte accesses are aligned.
  uint32_t wide_y = 0, wide_factors = 0;
};

// A row belongs to a warp where that can hold it in registers, else to a block.
struct LayerNormTile {
  static constexpr int kThreads = 256;
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kKept = 4;  // chunks of a lane that stay in registers; what is beyond is read again
  // Elements of a chunk, 16 bytes.
  static constexpr int chunk(int64_t element_bytes) { return static_cast<int>(16 / element_bytes); }
  static constexpr int features_of_warp(int64_t element_bytes) { return 32 * chunk(element_bytes) * kKept; }
  static constexpr int kSharedBytes = 2 * kWarps * 4;
};

// io: f16, bf16 or f32. Nothing is added where there are no tokens or no features.
void add_layer_norm(Launches& launches, LayerNormParams params, DType io);

}  // namespace leno::kernels::cuda
