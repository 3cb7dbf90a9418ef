#pragma once

#include "static/cuda_resources.h"

namespace leno_static {

// From the plans of all kernels on shapes of each kind, for each card.
DynamicShared dynamic_shared();

}  // namespace leno_static
