#pragma once

#include <span>

#include "kernels/conv_kernel.h"
#include "kernels/linear_kernel.h"

namespace leno::kernels {

// Every kernel of this build, best instruction set first.
std::span<const LinearKernel* const> linear_kernels();
std::span<const ConvKernel* const> conv_kernels();

}  // namespace leno::kernels
