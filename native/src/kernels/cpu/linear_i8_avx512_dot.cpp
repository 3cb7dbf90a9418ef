#ifdef __AVX512VNNI__

#include "kernels/cpu/linear_cpu.h"
#include "kernels/cpu/linear_panel.h"
#include "kernels/cpu/quad_panel.h"
#include "kernels/cpu/quad_tile.h"
#include "kernels/cpu/simd_avx512.h"

namespace leno::kernels {
namespace {

template <class IO, bool Dense>
struct QuadPanels {
  static constexpr PanelShape kShape = kShapeQuads;
  static constexpr bool kWidens = false;
  static constexpr bool kScaled = true;

  static TileFn tile(int height, int tokens) {
    const bool narrow = tokens <= kShape.lanes;
    if (height == 4) return narrow ? quad_tile<4, 1, Dense> : quad_tile<4, 2, Dense>;
    return narrow ? quad_tile<8, 1, Dense> : quad_tile<8, 2, Dense>;
  }
  static int64_t distance(int) { return (Dense ? kDenseQuad / 4 : kQuadRow) / 4; }  // in floats
  static QuadHeader& header(float* panel) { return reinterpret_cast<QuadHeader*>(panel)[-1]; }
  // Token-major, pack() measures as it goes.
  static void measure(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                      int64_t k) {
    if (layout == Layout::feature_major) measure_quads(x, ldx, k, columns, token, tokens, header(panel));
  }
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                   int64_t k) {
    auto* to = reinterpret_cast<std::byte*>(panel + k * distance(tokens));
    if (layout == Layout::token_major) {
      pack_token_quads<Dense>(x + token * ldx, ldx, columns, tokens, header(panel), to);
    } else {
      if (k == 0) set_scales(header(panel));
      pack_feature_quads<Dense>(x, ldx, columns, token, tokens, header(panel), to);
    }
  }
  static const float* weights(const LinearStrips& w, const Strip& strip, float*) {
    return w.values.as<float>() + strip.values;
  }
  static bool in_place(const LinearSpec&, const LinearCall&, int) { return false; }
};

template <class IO>
void run(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call, std::byte* scratch, int part,
         int parts) {
  const bool dense = static_cast<const LinearStrips&>(weights).dense;
  const auto run =
      dense ? run_panels_of<Avx512, QuadPanels<IO, true>, IO> : run_panels_of<Avx512, QuadPanels<IO, false>, IO>;
  run(weights, spec, call, scratch, part, parts);
}

}  // namespace

void linear_i8_quads_avx512_dot(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                                std::byte* scratch, int part, int parts) noexcept {
  const auto run_io = spec.io == DType::f32 ? run<float> : run<bf16_t>;
  run_io(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
#endif
