#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/cuda/linear_params.h"
#include "kernels/linear_kernel.h"

// Packed weights in the layouts that the tensor cores want. One image, copied to the card as it is.
namespace leno::kernels::cuda {

struct LinearWeights : PreparedWeights {
  DType dtype = DType::bf16;
  int64_t rows = 0, columns = 0;  // M, K
  int64_t vector = 0;             // V of the pattern
  int64_t group_rows = 0;         // padded packed rows of a group, a multiple of 16
  int64_t groups = 0;
  int64_t step = 0;        // columns of a k-step
  int64_t step_words = 0;  // 32-bit words of the section `columns` for each k-step, of which the first `step` are those
  int64_t longest = 0;     // k-steps of the longest group
  bool dense = false, identity = true;
  std::vector<int32_t> starts;  // groups + 1, in k-steps: a host copy for planning
  AlignedBuffer image;          // sections below, each at a multiple of 256 bytes
  int64_t values_at = 0, starts_at = 0, columns_at = 0, rows_at = 0, order_at = 0, scales_at = -1;

  int64_t bytes() const override { return image.bytes(); }
  int64_t padded_rows() const { return groups * group_rows; }
  // The weights' part of a kernel's parameters, for the image at this address of the device.
  void describe(const std::byte* device_image, LinearParams& params) const;
};

// Matrices that share their shape, height of groups and type, one below the other, each with columns of its own behind
// those of the one before: column c of part i is number i * columns + c.
using PackedParts = std::vector<const PackedWeights*>;

// A layout of such matrices: prepare() gives that of one.
struct PartsFormat : LinearFormat {
  std::shared_ptr<const LinearWeights> (*prepare_parts)(const PackedParts& parts);
};
std::shared_ptr<const LinearWeights> weights_of(const PartsFormat& format,
                                                const std::vector<std::shared_ptr<const PackedWeights>>& parts);

// Fragments of mma.m16n8k16: value (r, c) of the 16 x 16 tile (m, s) of a group lies in 512 bytes at tile number
// s * group_rows / 16 + m after the group's first, where lane l holds 16 bytes: rows l / 4 and l / 4 + 8, columns
// 2 (l % 4) + {0, 1} and + 8; pairs in the order (r, c), (r + 8, c), (r, c + 8), (r + 8, c + 8). What sm_75, sm_80
// and, with the weights in registers, wgmma read with one 16-byte load a lane.
// e4m3: the same for m16n8k32, four columns where 16-bit types have two.
//
// A group's first tile is number starts[g] * group_rows / 16. Sparse weights: a group of the pattern is a group here,
// its rows padded to a multiple of 16. Dense weights: groups of kDenseGroupRows rows (fewer where M has fewer) that
// name all their columns, in order.
extern const PartsFormat kFragments;

constexpr int64_t kFragmentRows = 16;
constexpr int64_t kFragmentTileBytes = 512;
constexpr int64_t kDenseGroupRows = 128;
constexpr int64_t kSectionAlignment = 256;

}  // namespace leno::kernels::cuda
