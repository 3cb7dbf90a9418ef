#include "kernels/cpu/conv_cpu.h"

#include "core/error.h"
#include "kernels/cpu/conv_bands.h"

namespace leno::kernels {
namespace {

std::string refuse(WeightsKind, const ConvSpec& spec, int64_t batch, int64_t height, int64_t width) {
  const ConvBands bands(spec.geometry, batch, height, width);
  const int64_t elements = spec.geometry.channels * bands.planes * bands.plane;
  if (elements < INT32_MAX) return "";
  return text("a band of one row has ", elements, " elements, expected less than 2^31");
}

template <const PanelShape& Shape, bool Widen>
int64_t scratch_bytes(const PreparedWeights& weights, const ConvSpec& spec, int64_t batch, int64_t height,
                      int64_t width, int) {
  const ConvBands bands(spec.geometry, batch, height, width);
  return ConvScratch(static_cast<const LinearStrips&>(weights), bands, spec, Shape, Widen).total;
}

}  // namespace

#define PANEL(dtype, format, shape, isa)                                                                 \
  {                                                                                                      \
#dtype "_conv2d_shflbw_panel_" #isa, Isa::isa, DType::dtype, &format, refuse, scratch_bytes < shape, \
        DType::dtype == DType::bf16>, conv2d_##dtype##_panel_##isa                                       \
  }

const ConvKernel kConvF32PanelPortable PANEL(f32, kStripsF32, kShapePortable, portable);
const ConvKernel kConvBf16PanelPortable PANEL(bf16, kStripsBf16, kShapePortable, portable);
#if defined(__x86_64__)
const ConvKernel kConvF32PanelAvx512 PANEL(f32, kStripsF32, kShapeAvx512, avx512);
const ConvKernel kConvBf16PanelAvx512 PANEL(bf16, kStripsBf16, kShapeAvx512, avx512);
const ConvKernel kConvF32PanelAvx2 PANEL(f32, kStripsF32, kShapeAvx2, avx2);
const ConvKernel kConvBf16PanelAvx2 PANEL(bf16, kStripsBf16, kShapeAvx2, avx2);
#endif

}  // namespace leno::kernels
