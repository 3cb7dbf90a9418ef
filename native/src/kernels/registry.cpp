#include "kernels/registry.h"

#include "kernels/cpu/conv_cpu.h"
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

std::span<const ConvKernel* const> conv_kernels() {
  static constexpr const ConvKernel* kRows[] = {
#if defined(__x86_64__)
    &kConvBf16PairsAvx512Dot,
    &kConvF32PanelAvx512,
    &kConvBf16PanelAvx512,
    &kConvF32PanelAvx2,
    &kConvBf16PanelAvx2,
#endif
    &kConvF32PanelPortable,
    &kConvBf16PanelPortable,
  };
  return kRows;
}

}  // namespace leno::kernels
