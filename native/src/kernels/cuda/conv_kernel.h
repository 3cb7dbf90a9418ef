#pragma once

#include "kernels/cuda/conv_planes.h"
#include "kernels/cuda/linear_plan.h"

// What a CUDA kernel of the convolution is: a tile of the linear operator's kernels with an entry of its own. Weights
// are those of the parts of the convolution's groups, with the columns of kernels/conv_kernel.h. A forward is a launch
// that packs x, the product, and where k is split the sum of its parts.
namespace leno::kernels::cuda {

struct ConvKernel {
  const char* name;  // dtype_op_pattern_tile_arch, as f16_conv2d_shflbw_m64n128k32_sm80
  int arch;          // the oldest card that runs it
  DType weights;     // and what is multiplied with them
  bool dense;        // takes dense weights, else those with a pattern
  TileShape tile;    // gather: the entry
  const char* reduce;
  const PartsFormat* format = &kFragments;
  int unit = 0;       // rows of the units that it is made for, as refuse_unit() wants them; 0: of any
  int tile_rows = 0;  // rows that a block multiplies, a group's or zeros; 0 where it takes as many as there are
};

// Every convolution kernel of this build.
std::span<const ConvKernel* const> conv_kernels();

// Why the kernel cannot run this on the card, "" where it can. The architecture and the dtype of the weights are
// checked by the caller.
std::string conv_refuse(const ConvKernel& kernel, const Card& card, const WeightsKind& weights, const ConvTask& task);
// Device bytes, a multiple of 256.
int64_t conv_workspace_bytes(const ConvKernel& kernel, const LinearWeights& weights, const ConvTask& task,
                             const Card& card);
// The launches that a forward on images of any size is made of: entries, threads and shared memory alone.
Launches conv_entries(const ConvKernel& kernel, const ConvSpec& spec);
// Addresses of the device; x, residual and y lie without gaps.
Launches conv_plan(const ConvKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
                   const ConvTask& task, const void* x, const void* residual, void* y, std::byte* workspace,
                   const Card& card);

}  // namespace leno::kernels::cuda
