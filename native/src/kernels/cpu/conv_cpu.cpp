#include "kernels/cpu/conv_cpu.h"

#include "core/error.h"
#include "kernels/cpu/conv_bands.h"

namespace leno::kernels {
namespace {

template <int64_t Element>
std::string refuse(WeightsKind, const ConvSpec& spec, int64_t batch, int64_t height, int64_t width) {
  const ConvBands bands(spec.geometry, batch, height, width, Element);
  const int64_t elements = spec.geometry.channels * bands.planes * bands.plane;
  if (elements < INT32_MAX) return "";
  return text("a band of one row has ", elements, " elements, expected less than 2^31");
}

template <const PanelShape& Shape, int64_t Element, bool Widen>
int64_t scratch_bytes(const PreparedWeights& weights, const ConvSpec& spec, int64_t batch, int64_t height,
                      int64_t width, int) {
  const ConvBands bands(spec.geometry, batch, height, width, Element);
  return ConvScratch(static_cast<const LinearStrips&>(weights), bands, spec, Shape, Widen).total;
}

}  // namespace

#define PANEL(dtype, format, shape, isa)                                                                         \
  {                                                                                                              \
#dtype "_conv2d_shflbw_panel_" #isa, Isa::isa, DType::dtype, &format, refuse < 4>, scratch_bytes < shape, 4, \
        DType::dtype == DType::bf16>, conv2d_##dtype##_panel_##isa                                               \
  }

const ConvKernel kConvF32PanelPortable PANEL(f32, kStripsF32, kShapePortable, portable);
const ConvKernel kConvBf16PanelPortable PANEL(bf16, kStripsBf16, kShapePortable, portable);
#if defined(__x86_64__)
const ConvKernel kConvF32PanelAvx512 PANEL(f32, kStripsF32, kShapeAvx512, avx512);
const ConvKernel kConvBf16PanelAvx512 PANEL(bf16, kStripsBf16, kShapeAvx512, avx512);
const ConvKernel kConvBf16PairsAvx512Dot{"bf16_conv2d_shflbw_pairs_avx512_dot",
                                         Isa::avx512_dot,
                                         DType::bf16,
                                         &kPairStripsBf16,
                                         refuse<2>,
                                         scratch_bytes<kShapePairs, 2, false>,
                                         conv2d_bf16_pairs_avx512_dot};
const ConvKernel kConvF32PanelAvx2 PANEL(f32, kStripsF32, kShapeAvx2, avx2);
const ConvKernel kConvBf16PanelAvx2 PANEL(bf16, kStripsBf16, kShapeAvx2, avx2);
#endif

}  // namespace leno::kernels
