#pragma once

#include <span>

#include "kernels/cuda/linear_kernel.h"

// The families of CUDA kernels, each with its rows in a file of its own.
namespace leno::kernels::cuda {

using LinearRows = std::span<const LinearKernel* const>;

LinearRows linear_rows_sm90();
LinearRows linear_rows_window_sm90();
LinearRows linear_rows_sm89();
LinearRows linear_rows_sm80();
LinearRows linear_rows_sm75();
LinearRows linear_rows_skinny();
LinearRows linear_rows_skip();
LinearRows linear_rows_skip_mma();

}  // namespace leno::kernels::cuda
