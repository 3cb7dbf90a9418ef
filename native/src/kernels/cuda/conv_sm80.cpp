#include "kernels/cuda/conv_rows.h"

// The rows of the convolution on linear_sm80.h. The entries are in conv_f16_sm80.cu and conv_bf16_sm80.cu.
namespace leno::kernels::cuda {
namespace {

#define LENO_ROW(type, pattern, dense, tile, Tile)                             \
  constexpr ConvKernel k_##type##_##pattern##_##tile{                          \
      #type "_conv2d_" #pattern "_" #tile "_sm80",                             \
      80,                                                                      \
      DType::type,                                                             \
      dense,                                                                   \
      tile_shape<TileSizes<Tile>>("conv2d_" #type "_" #tile "_sm80", nullptr), \
      "conv2d_" #type "_reduce_sm80",                                          \
      &kFragments,                                                             \
      0,                                                                       \
      Tile::kM};

#define LENO_ALL(type)                                    \
  LENO_ROW(type, shflbw, false, m16n128k64, M16N128K64)   \
  LENO_ROW(type, shflbw, false, m32n128k32, M32N128K32)   \
  LENO_ROW(type, shflbw, false, m64n64k32, M64N64K32)     \
  LENO_ROW(type, shflbw, false, m64n128k32, M64N128K32)   \
  LENO_ROW(type, shflbw, false, m64n256k32, M64N256K32)   \
  LENO_ROW(type, shflbw, false, m128n128k32, M128N128K32) \
  LENO_ROW(type, shflbw, false, m128n256k32, M128N256K32) \
  LENO_ROW(type, dense, true, m16n128k64, M16N128K64)     \
  LENO_ROW(type, dense, true, m64n64k32, M64N64K32)       \
  LENO_ROW(type, dense, true, m64n128k32, M64N128K32)     \
  LENO_ROW(type, dense, true, m128n128k32, M128N128K32)   \
  LENO_ROW(type, dense, true, m128n256k32, M128N256K32)
LENO_ALL(bf16)
LENO_ALL(f16)

#define LENO_ROWS(type)                                                                            \
  &k_##type##_shflbw_m128n256k32, &k_##type##_shflbw_m128n128k32, &k_##type##_shflbw_m64n256k32,   \
      &k_##type##_shflbw_m64n128k32, &k_##type##_shflbw_m64n64k32, &k_##type##_shflbw_m32n128k32,  \
      &k_##type##_shflbw_m16n128k64, &k_##type##_dense_m128n256k32, &k_##type##_dense_m128n128k32, \
      &k_##type##_dense_m64n128k32, &k_##type##_dense_m64n64k32, &k_##type##_dense_m16n128k64
constexpr const ConvKernel* kRows[] = {LENO_ROWS(bf16), LENO_ROWS(f16)};

}  // namespace

ConvRows conv_rows_sm80() { return kRows; }

}  // namespace leno::kernels::cuda
