#ifdef __AMX_BF16__
#include "kernels/cpu/amx_dense.h"
#include "kernels/cpu/dot_kernels.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Dot = TileDotBf16;
  using Sums = SumsF32;

  template <class IO>
  static void pack_token(const IO* x, int64_t columns, int64_t steps, std::byte* to, float*) {
    for (int64_t s = 0; s < steps; ++s) {
      _mm512_store_si512(to + s * 2 * kTileBytes, load_bf16(x + s * 32, columns - s * 32));
    }
  }
};

}  // namespace

const LinearKernel kLinearBf16DenseAmx{"bf16_linear_dense_m32n32k32_amx",
                                       Isa::amx,
                                       DType::bf16,
                                       &kDenseTilesFormat,
                                       dense_tiles_refuse,
                                       dense_scratch_bytes,
                                       dense_run<Unit>};

}  // namespace leno::kernels
#endif
