#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"

// The rows for e4m3 weights, linear_sm80.h with 8-bit products. The entries are in linear_e4m3_sm89.cu, one for each
// type of activations; x is always read from the workspace, aligned.
namespace leno::kernels::cuda {
namespace {

#define LENO_KERNEL(pattern, is_dense, io, tile, Tile)                               \
  constexpr MmaKernel k_##pattern##_##io##_##tile{                                   \
      DType::e4m3,                                                                   \
      DType::io,                                                                     \
      is_dense,                                                                      \
      tile_shape<TileSizes<Tile, 1>>("linear_e4m3_" #io "_" #tile "_sm89", nullptr), \
      tile_shape<TileSizes<Tile, 1>>("linear_e4m3_" #io "_" #tile "_sm89", nullptr), \
      "linear_" #io "_reduce_sm80"};
#define LENO_ROW(pattern, is_dense, tile, Tile)                                                                      \
  LENO_KERNEL(pattern, is_dense, f16, tile, Tile)                                                                    \
  LENO_KERNEL(pattern, is_dense, bf16, tile, Tile)                                                                   \
  constexpr LinearKernel kRow_##pattern##_##tile =                                                                   \
      mma_row_of_two<k_##pattern##_f16_##tile, k_##pattern##_bf16_##tile>("e4m3_linear_" #pattern "_" #tile "_sm89", \
                                                                          89);

LENO_ROW(shflbw, false, m16n128k64, M16N128K64E4M3)
LENO_ROW(shflbw, false, m64n128k64, M64N128K64E4M3)
LENO_ROW(shflbw, false, m128n128k64, M128N128K64E4M3)
LENO_ROW(dense, true, m64n128k64, M64N128K64E4M3)
LENO_ROW(dense, true, m128n128k64, M128N128K64E4M3)

constexpr const LinearKernel* kRows[] = {&kRow_shflbw_m128n128k64, &kRow_shflbw_m64n128k64, &kRow_shflbw_m16n128k64,
                                         &kRow_dense_m128n128k64, &kRow_dense_m64n128k64};

}  // namespace

LinearRows linear_rows_sm89() { return kRows; }

}  // namespace leno::kernels::cuda
