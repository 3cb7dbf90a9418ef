#ifdef __AMX_INT8__
#include "kernels/cpu/amx_dense.h"
#include "kernels/cpu/dot_kernels.h"
#include "kernels/cpu/dot_panel_i8.h"

namespace leno::kernels {
namespace {

struct Unit {
  using Dot = TileDotI8;
  using Sums = SumsI32;

  // A token is packed in two pieces: its scale, then its quantised features.
  static int64_t pieces(int64_t) { return 2; }

  template <class IO>
  static void pack_piece(const IO* x, int64_t columns, int64_t steps, int64_t piece, std::byte* to, float* scale,
                         float* inverse) {
    if (piece == 0) {
      const TokenScale s = token_scale(largest_magnitude(x, columns));
      *scale = s.scale;
      *inverse = s.inverse;
      return;
    }
    // quantize64 leaves 32-bit element 4 l + j where 4 j + l belongs.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int64_t i = 0; i < steps; ++i) {
      const __m512i q = quantize64(x + i * 64, columns - i * 64, *inverse);
      _mm512_store_si512(to + i * 2 * kTileBytes, _mm512_permutexvar_epi32(order, q));
    }
  }
};

}  // namespace

const LinearKernel kLinearI8DenseAmx{"i8_linear_dense_m32n32k64_amx",
                                     Isa::amx,
                                     DType::i8,
                                     &kDenseTilesFormat,
                                     dense_tiles_refuse,
                                     dense_scratch_bytes,
                                     dense_run<Unit>};

}  // namespace leno::kernels
#endif
