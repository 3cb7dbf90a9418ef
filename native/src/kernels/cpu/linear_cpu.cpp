#include "kernels/cpu/linear_cpu.h"

#include "core/error.h"
#include "kernels/cpu/dot_weights.h"
#include "kernels/cpu/linear_strips.h"
#include "kernels/cpu/skinny_output.h"

namespace leno::kernels {
namespace {

// Beyond this many tokens the skinny kernels lose to the panels everywhere.
constexpr int64_t kMostSkinnyTokens = 32;

std::string accept(WeightsKind, const LinearSpec&, int64_t) { return ""; }

std::string refuse_many(WeightsKind, const LinearSpec&, int64_t tokens) {
  if (tokens <= kMostSkinnyTokens) return "";
  return text(tokens, " tokens, expected at most ", kMostSkinnyTokens);
}

template <const PanelShape& Shape, bool Widen>
int64_t panel_scratch(const PreparedWeights& weights, const LinearSpec& spec, int64_t tokens, int) {
  return PanelScratch(static_cast<const LinearStrips&>(weights), spec, Shape, tokens, Widen).total;
}

// The output's, and X in float where it comes in bf16, with a vector past the end.
int64_t skinny_scratch(const PreparedWeights&, const LinearSpec& spec, int64_t tokens, int) {
  const int64_t x = spec.io == DType::f32 ? 0 : (tokens * spec.columns + 16) * int64_t{sizeof(float)};
  return skinny_output_bytes(spec, tokens) + round_up(x, kCacheLine);
}

}  // namespace

#define PANEL(dtype, format, shape, isa)                                                                 \
  {                                                                                                      \
#dtype "_linear_shflbw_panel_" #isa, Isa::isa, DType::dtype, &format, accept, panel_scratch < shape, \
        DType::dtype == DType::bf16>, linear_##dtype##_panel_##isa                                       \
  }
#define SKINNY(dtype, format, isa)                                                                      \
  {                                                                                                     \
#dtype "_linear_shflbw_skinny_" #isa, Isa::isa, DType::dtype, &format, refuse_many, skinny_scratch, \
        linear_##dtype##_skinny_##isa                                                                   \
  }

const LinearKernel kLinearF32PanelPortable PANEL(f32, kStripsF32, kShapePortable, portable);
const LinearKernel kLinearF32SkinnyPortable SKINNY(f32, kTallStripsF32, portable);
const LinearKernel kLinearBf16PanelPortable PANEL(bf16, kStripsBf16, kShapePortable, portable);
const LinearKernel kLinearBf16SkinnyPortable SKINNY(bf16, kTallPairStripsBf16, portable);

#if defined(__x86_64__)
const LinearKernel kLinearF32PanelAvx512 PANEL(f32, kStripsF32, kShapeAvx512, avx512);
const LinearKernel kLinearF32SkinnyAvx512 SKINNY(f32, kTallStripsF32, avx512);
const LinearKernel kLinearBf16PanelAvx512 PANEL(bf16, kStripsBf16, kShapeAvx512, avx512);
const LinearKernel kLinearBf16SkinnyAvx512 SKINNY(bf16, kTallPairStripsBf16, avx512);
const LinearKernel kLinearBf16PairsAvx512Dot{"bf16_linear_shflbw_pairs_avx512_dot",
                                             Isa::avx512_dot,
                                             DType::bf16,
                                             &kPairStripsBf16,
                                             accept,
                                             panel_scratch<kShapePairs, false>,
                                             linear_bf16_pairs_avx512_dot};
const LinearKernel kLinearI8QuadsAvx512Dot{
    "i8_linear_shflbw_quads_avx512_dot", Isa::avx512_dot,           DType::i8, &kQuadStripsI8, dot_refuse,
    panel_scratch<kShapeQuads, false>,   linear_i8_quads_avx512_dot};
const LinearKernel kLinearF32PanelAvx2 PANEL(f32, kStripsF32, kShapeAvx2, avx2);
const LinearKernel kLinearF32SkinnyAvx2 SKINNY(f32, kTallStripsF32, avx2);
const LinearKernel kLinearBf16PanelAvx2 PANEL(bf16, kStripsBf16, kShapeAvx2, avx2);
const LinearKernel kLinearBf16SkinnyAvx2 SKINNY(bf16, kTallPairStripsBf16, avx2);
#endif

}  // namespace leno::kernels
