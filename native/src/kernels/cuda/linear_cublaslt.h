#pragma once

#include <span>

#include "kernels/cuda/linear_kernel.h"

// cuBLASLt as a dense kernel, where the machine has it. Not in the table of linear_registry.cpp, whose rows are kernels
// of this library.
namespace leno::kernels::cuda {

// f16 and bf16: y = x W^T + beta residual, without bias or activation, which the library would round or approximate in
// ways of its own.
std::span<const LinearKernel* const> cublaslt_kernels();

}  // namespace leno::kernels::cuda
