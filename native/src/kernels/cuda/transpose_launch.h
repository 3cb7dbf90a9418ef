#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/cuda/launch.h"

// Changing the layout of activations on the card: token-major [N][K] to feature-major [K][N] and back.
namespace leno::kernels::cuda {

// destination[c][r] = source[r][c] + beta * residual[c][r], r < rows, c < columns. Strides in elements. Any alignment
// to the element; at multiples of 16 bytes (addresses and strides) accesses are 16 bytes wide.
struct TransposeParams {
  const void* source = nullptr;
  int64_t source_ld = 0;
  const void* residual = nullptr;  // of f32 sources; as the destination, and may be it; nullptr: none
  int64_t residual_ld = 0;
  void* destination = nullptr;
  int64_t destination_ld = 0;
  int32_t rows = 0, columns = 0;  // of source
  float beta = 1;
  // Filled by add_transpose: whether whole 16-byte accesses are aligned.
  uint32_t wide_source = 0, wide_destination = 0;
};

// Tiles of kEdge x kEdge elements, one a block.
struct TransposeTile {
  static constexpr int kEdge = 64;
  static constexpr int kThreads = 256;
  static constexpr int shared_bytes(int element_bytes) { return kEdge * kEdge * element_bytes; }
};

// Adds the launch that transposes elements of type `source` (f16, bf16 or f32) to `destination`: the same, or f16 or
// bf16 of f32. Nothing is added where rows or columns are 0.
//
// Going back to token-major with a residual needs the product in f32: the sum is then rounded once, as everywhere.
void add_transpose(Launches& launches, TransposeParams params, DType source, DType destination);

}  // namespace leno::kernels::cuda
