#ifdef __AVX512BF16__

#include "kernels/cpu/linear_cpu.h"
#include "kernels/cpu/linear_panel.h"
#include "kernels/cpu/pair_tile.h"
#include "kernels/cpu/simd_avx512.h"

namespace leno::kernels {
namespace {

template <class IO>
struct PairPanels {
  static constexpr PanelShape kShape = kShapePairs;
  static constexpr bool kWidens = false;
  static constexpr bool kScaled = false;

  static TileFn tile(int height, int) { return height == 4 ? pair_tile<4> : pair_tile<8>; }
  static int64_t distance(int) { return kPairTokens / 2; }  // in floats
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                   int64_t k) {
    pack_pair_panel(layout, x, ldx, columns, token, tokens, reinterpret_cast<bf16_t*>(panel + k * distance(tokens)));
  }
  static const float* weights(const LinearStrips& w, const Strip& strip, float*) {
    return w.values.as<float>() + strip.values;
  }
  static bool in_place(const LinearSpec&, const LinearCall&, int) { return false; }
};

}  // namespace

void linear_bf16_pairs_avx512_dot(const PreparedWeights& weights, const LinearSpec& spec, const LinearCall& call,
                                  std::byte* scratch, int part, int parts) noexcept {
  const auto run = spec.io == DType::f32 ? run_panels_of<Avx512, PairPanels<float>, float>
                                         : run_panels_of<Avx512, PairPanels<bf16_t>, bf16_t>;
  run(weights, spec, call, scratch, part, parts);
}

}  // namespace leno::kernels
#endif
