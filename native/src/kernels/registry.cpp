#include "kernels/registry.h"

#include "kernels/cpu/dot_kernels.h"

namespace leno::kernels {

std::span<const LinearKernel* const> linear_kernels() {
  static constexpr const LinearKernel* kKernels[] = {
#if defined(__x86_64__)
      &kLinearBf16ShflbwAmx,
#endif
  };
  return kKernels;
}

}  // namespace leno::kernels
