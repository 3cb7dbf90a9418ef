#ifdef __AMX_BF16__
#include "kernels/cpu/amx_dense.h"
#include "kernels/cpu/dot_kernels.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Dot = TileDotBf16;
  using Sums = SumsF32;

  // A token is packed in pieces of 8 steps.
  static constexpr int64_t kPieceSteps = 8;
  static int64_t pieces(int64_t steps) { return ceil_div(steps, kPieceSteps); }

  template <class IO>
  static void pack_piece(const IO* x, int64_t columns, int64_t steps, int64_t piece, std::byte* to, float*, float*) {
    const int64_t end = std::min(steps, (piece + 1) * kPieceSteps);
    for (int64_t s = piece * kPieceSteps; s < end; ++s) {
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
