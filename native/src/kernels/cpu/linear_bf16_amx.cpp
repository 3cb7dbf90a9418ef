#ifdef __AMX_BF16__
#include "kernels/cpu/amx_product.h"
#include "kernels/cpu/dot_gather.h"
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_linear.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Scope = TileScope;
  using Sums = SumsF32;

  template <class IO>
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                   std::byte* panel, float*) {
    pack_bf16(layout, x, ldx, columns, token, tokens, panel);
  }
  template <int A, int B>
  static void product(const DotWeights& w, const DotWeights::Block& block, const std::byte* panels,
                      int64_t panel_stride, std::byte* ring, int32_t* sums) {
    tile_product<TileDotBf16, GatherBf16, A, B>(w, block, panels, panel_stride, ring, sums);
  }
};

}  // namespace

const LinearKernel kLinearBf16ShflbwAmx{"bf16_linear_shflbw_m32n32k32_amx",
                                        Isa::amx,
                                        DType::bf16,
                                        &kDotBf16Format,
                                        dot_refuse,
                                        dot_scratch_bytes,
                                        dot_run<Unit>};

}  // namespace leno::kernels
#endif
