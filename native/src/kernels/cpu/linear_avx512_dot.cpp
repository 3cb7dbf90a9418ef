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

  static TileFn tile(int height, int tokens) { return tile_of<float>(height, int(ceil_div(tokens, kShape.lanes))); }
  static TileFn narrow_tile(int height, int nv) requires(sizeof(IO) == 2) { return tile_of<bf16_t>(height, nv); }
  static void finish_narrow(const Output<IO>& out, const IO* sums, int64_t stride, int64_t rows, int64_t token,
                            int tokens) {
    finish_narrow_block(out, sums, stride, rows, token, tokens);
  }
  static int64_t distance(int) { return kPairTokens / 2; }  // in floats
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens, float* panel,
                   int64_t k) {
    pack_pair_panel(layout, x, ldx, columns, token, tokens, reinterpret_cast<bf16_t*>(panel + k * distance(tokens)));
  }
  static const float* weights(const LinearStrips& w, const Strip& strip, float*) {
    return w.values.as<float>() + strip.values;
  }
  static bool in_place(const LinearSpec&, const LinearCall&, int) { return false; }

 private:
  template <class Out>
  static TileFn tile_of(int height, int nv) {
    if (nv == 1) return height == 4 ? pair_tile<Out, 4, 1> : pair_tile<Out, 8, 1>;
    return height == 4 ? pair_tile<Out, 4, 2> : pair_tile<Out, 8, 2>;
  }
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
