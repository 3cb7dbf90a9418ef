#pragma once

#include "kernels/linear_kernel.h"

namespace leno::ops {

// Whether a forward may run with these arguments, in constant time. Throws Error that names the argument.
void check_call(const kernels::LinearSpec& spec, bool residual, const kernels::LinearCall& call);

}  // namespace leno::ops
