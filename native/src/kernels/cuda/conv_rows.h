#pragma once

#include <span>

#include "kernels/cuda/conv_kernel.h"

// The families of CUDA convolution kernels, each with its rows in a file of its own.
namespace leno::kernels::cuda {

using ConvRows = std::span<const ConvKernel* const>;

ConvRows conv_rows_sm80();
ConvRows conv_rows_sm75();
ConvRows conv_rows_skip();
ConvRows conv_rows_skip_mma();

}  // namespace leno::kernels::cuda
