#ifdef __AVX512BF16__

#include "kernels/cpu/conv_cpu.h"
#include "kernels/cpu/conv_pair_tile.h"
#include "kernels/cpu/conv_panel.h"
#include "kernels/cpu/simd_avx512.h"

namespace leno::kernels {
namespace {

// Planes of bf16, pairs of columns at a time.
template <class IO>
struct PairPlanes {
  using Element = bf16_t;
  static constexpr PanelShape kShape = kShapePairs;
  static constexpr bool kWidens = false;

  static auto tile(int height, int pixels) {
    if (pixels <= kShape.lanes) return height == 4 ? pair_pixel_tile<Pixels16, 4> : pair_pixel_tile<Pixels16, 8>;
    return height == 4 ? pair_pixel_tile<Pixels32, 4> : pair_pixel_tile<Pixels32, 8>;
  }
  static const float* weights(const LinearStrips& w, const Strip& strip, float*) {
    return w.values.as<float>() + strip.values;
  }
};

}  // namespace

void conv2d_bf16_pairs_avx512_dot(const PreparedWeights& weights, const ConvSpec& spec, const ConvCall& call,
                                  std::byte* scratch, int part, int parts) noexcept {
  run_conv_panels_of<Avx512, PairPlanes>(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
#endif
