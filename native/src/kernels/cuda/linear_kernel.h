#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/cuda/driver_abi.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/linear_weights.h"
#include "kernels/linear_kernel.h"

namespace leno {
class CudaDevice;
}

// What a CUDA kernel of the linear operator is: a row of the table below, next to the CPU's in kernels/registry.
namespace leno::kernels::cuda {

// The operator's device memory.
struct DeviceOperands {
  const std::byte* weights = nullptr;  // LinearWeights::image
  const float* bias = nullptr;         // per original row, or nullptr
};

struct LinearKernel {
  const char* name;  // dtype_op_pattern_tile_arch, as bf16_linear_shflbw_m64n128k32_sm80
  int arch;          // the oldest card that runs it, as 80
  bool exact;        // that one alone (sm_90a)
  DType weights;
  const LinearFormat* format;  // prepare() gives LinearWeights
  // Why the kernel cannot run this on the card, "" where it can. The architecture and the dtype of the weights are
  // checked by the caller.
  std::string (*refuse)(const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t tokens);
  // Device bytes, a multiple of 256. Never less for more tokens.
  int64_t (*workspace_bytes)(const LinearWeights& weights, const LinearSpec& spec, int64_t tokens, const Card& card);
  // spec.bias is a host address here: the device's is in operands.
  Launches (*plan)(const LinearWeights& weights, const DeviceOperands& operands, const LinearSpec& spec,
                   const LinearCall& call, std::byte* workspace, const Card& card);
  // Of a kernel that is a library's: puts the forward on the stream itself, behind what plan launches, if anything.
  void (*run)(const DeviceOperands& operands, const LinearSpec& spec, LinearCall call, std::byte* workspace,
              const CudaDevice& device, leno::cuda::CUstream stream) = nullptr;
  int tile_rows = 0;  // rows that a block multiplies, a group's or zeros; 0 where it takes as many as there are
  // Up to so many tokens it runs, and gains nothing over its twin: a second block would share weights and have no
  // tokens.
  int idle_tokens = 0;
};

// Every CUDA kernel of this build, best architecture first.
std::span<const LinearKernel* const> linear_kernels();

}  // namespace leno::kernels::cuda
