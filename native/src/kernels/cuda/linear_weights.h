#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/linear_kernel.h"

// Packed weights in the layouts that the tensor cores want. One image, copied to the card as it is.
namespace leno::kernels::cuda {

struct LinearWeights : PreparedWeights {
  int64_t rows = 0, columns = 0;  // M, K
  int64_t vector = 0;             // V of the pattern; rows of a group
  int64_t group_rows = 0;         // V rounded up to the tile's rows: padded packed rows of a group
  int64_t groups = 0;
  int64_t step = 0;  // columns of a k-step
  bool dense = false, identity = true;
  std::vector<int32_t> starts;  // groups + 1, in k-steps: a host copy for planning
  AlignedBuffer image;          // sections below, each at a multiple of 256 bytes
  int64_t values_at = 0, starts_at = 0, columns_at = 0, rows_at = 0, order_at = 0, scales_at = -1;

  int64_t bytes() const override { return image.bytes(); }
};

// Fragments of mma.m16n8k16: value (r, c) of the 16 x 16 tile (m, s) of a group lies in 512 bytes at tile number
// s * group_rows / 16 + m after the group's first, where lane l holds 16 bytes: rows l / 4 and l / 4 + 8, columns
// 2 (l % 4) + {0, 1} and + 8; pairs in the order (r, c), (r + 8, c), (r, c + 8), (r + 8, c + 8). What sm_75, sm_80
// and, with the weights in registers, wgmma read with one 16-byte load a lane.
// e4m3: the same for m16n8k32, four columns where 16-bit types have two.
extern const LinearFormat kFragments;

}  // namespace leno::kernels::cuda
