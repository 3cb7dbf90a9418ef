#include "kernels/registry.h"

#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/linear_cpu.h"

namespace leno::kernels {

std::span<const LinearKernel* const> linear_kernels() {
  // clang-format off
  static constexpr const LinearKernel* kRows[] = {
#if defined(__x86_64__)
      &kLinearBf16ShflbwAmx,
      &kLinearI8ShflbwAmx,
      &kLinearBf16DenseAmx,
      &kLinearI8DenseAmx,
      &kLinearI8QuadsAvx512Dot,
      &kLinearI8SkinnyAvx512Dot,
      &kLinearBf16SkinnyAvx512Dot,
      &kLinearBf16PairsAvx512Dot,
      &kLinearF32PanelAvx512,
      &kLinearF32SkinnyAvx512,
      &kLinearBf16PanelAvx512,
      &kLinearBf16SkinnyAvx512,
      &kLinearF32PanelAvx2,
      &kLinearF32SkinnyAvx2,
      &kLinearBf16PanelAvx2,
      &kLinearBf16SkinnyAvx2,
      &kLinearI8ShflbwAvx2,
#endif
      &kLinearF32PanelPortable,
      &kLinearF32SkinnyPortable,
      &kLinearBf16PanelPortable,
      &kLinearBf16SkinnyPortable,
      &kLinearI8ShflbwPortable,
  };
  // clang-format on
  return kRows;
}

}  // namespace leno::kernels
