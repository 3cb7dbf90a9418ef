#pragma once

#include <span>

#include "kernels/cuda/linear_kernel.h"

// cuBLASLt as a dense kernel, where the machine has it. Not in the table of linear_registry.cpp, whose rows are kernels
// of this library.
namespace leno::kernels::cuda {

// f16 and bf16: y = act(x W^T + bias) + beta residual, as far as the library has it: a bias with token-major
// activations alone, ReLU and GELU (tanh), a residual where there is no activation, as it is added before.
std::span<const LinearKernel* const> cublaslt_kernels();

// Why the library cannot serve this many tokens on the device: it finds no algorithm for aligned operands, or none for
// such that are aligned to their elements only; "" where it can. For rows that refuse nothing.
std::string cublaslt_refuses(const CudaDevice& device, const LinearKernel& row, const LinearSpec& spec, bool residual,
                             int64_t tokens);

// The library adds a bias of y's type: where that has 16 bits, the rounded one lies so many bytes behind the other.
constexpr int64_t rounded_bias_at(int64_t rows) { return (rows * 4 + 255) / 256 * 256; }

}  // namespace leno::kernels::cuda
