#pragma once

#include <span>

#include "kernels/linear_kernel.h"

namespace leno::kernels {

// Every kernel of this build, best instruction set first.
std::span<const LinearKernel* const> linear_kernels();

}  // namespace leno::kernels
