#include "kernels/cuda/conv_kernel.h"
#include "kernels/cuda/conv_rows.h"

// The rows of the convolution on linear_sm75.h. The entries are in conv_f16_sm75.cu.
namespace leno::kernels::cuda {
namespace {

#define LENO_ROW(pattern, dense, tile, Tile)                                                                       \
  constexpr ConvKernel k_##pattern##_##tile{"f16_conv2d_" #pattern "_" #tile "_sm75",                              \
                                            75,                                                                    \
                                            DType::f16,                                                            \
                                            dense,                                                                 \
                                            tile_shape<TileSizesSm75<Tile>>("conv2d_f16_" #tile "_sm75", nullptr), \
                                            "conv2d_f16_reduce_sm75",                                              \
                                            &kFragments,                                                           \
                                            0,                                                                     \
                                            Tile::kM};

LENO_ROW(shflbw, false, m16n128k64, M16N128K64)
LENO_ROW(shflbw, false, m32n128k32, M32N128K32)
LENO_ROW(shflbw, false, m64n64k32, M64N64K32)
LENO_ROW(shflbw, false, m64n128k32, M64N128K32)
LENO_ROW(shflbw, false, m128n128k32, M128N128K32Sm75)
LENO_ROW(dense, true, m16n128k64, M16N128K64)
LENO_ROW(dense, true, m64n64k32, M64N64K32)
LENO_ROW(dense, true, m64n128k32, M64N128K32)
LENO_ROW(dense, true, m128n128k32, M128N128K32Sm75)

constexpr const ConvKernel* kRows[] = {&k_shflbw_m128n128k32, &k_shflbw_m64n128k32, &k_shflbw_m64n64k32,
                                       &k_shflbw_m32n128k32,  &k_shflbw_m16n128k64, &k_dense_m128n128k32,
                                       &k_dense_m64n128k32,   &k_dense_m64n64k32,   &k_dense_m16n128k64};

}  // namespace

ConvRows conv_rows_sm75() { return kRows; }

}  // namespace leno::kernels::cuda
