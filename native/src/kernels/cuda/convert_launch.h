#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "kernels/cuda/launch.h"

// Rounding fp32 activations on the card to the 16 bits that the tensor cores multiply. The layout stays.
namespace leno::kernels::cuda {

// `lines` runs of `width` elements. Strides in elements. destination is at multiples of 16 bytes (address and stride);
// source at any multiple of 4 bytes, and read 16 bytes at a time where its address and stride allow it.
struct ConvertParams {
  const float* source = nullptr;
  int64_t source_ld = 0;
  void* destination = nullptr;
  int64_t destination_ld = 0;  // at least width, rounded up to 8
  int32_t lines = 0, width = 0;
  uint32_t wide_source = 0;  // filled by add_convert
};

struct ConvertTile {
  static constexpr int kThreads = 256;
  static constexpr int kWidth = 8;  // elements of a thread, neighbours
  // Blocks stay few: a thread goes on with the element that lies a grid further.
  static constexpr int64_t kMostBlocks = 4096;
};

// destination: f16 or bf16. Nothing is added where lines or width are 0.
void add_convert(Launches& launches, ConvertParams params, DType destination);

}  // namespace leno::kernels::cuda
