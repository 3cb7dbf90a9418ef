#ifdef __AMX_INT8__
#include "kernels/cpu/amx_product.h"
#include "kernels/cpu/dot_gather.h"
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_linear.h"
#include "kernels/cpu/dot_panel_i8.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Scope = TileScope;
  using Sums = SumsI32;

  template <class IO>
  static void pack(Layout layout, const IO* x, int64_t ldx, int64_t columns, int64_t token, int tokens,
                   std::byte* panel, float* scales) {
    pack_i8(layout, x, ldx, columns, token, tokens, panel, scales);
  }
  template <int A, int B>
  static void product(const DotWeights& w, const DotWeights::Block& block, const std::byte* panels,
                      int64_t panel_stride, std::byte* ring, int32_t* sums) {
    tile_product<TileDotI8, GatherI8, A, B>(w, block, panels, panel_stride, ring, sums);
  }
};

}  // namespace

const LinearKernel kLinearI8ShflbwAmx{
    "i8_linear_shflbw_m32n32k64_amx", Isa::amx, DType::i8, &kDotI8Format, dot_refuse, dot_scratch_bytes, dot_run<Unit>};

}  // namespace leno::kernels
#endif
