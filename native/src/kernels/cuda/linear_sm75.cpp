#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"

// The rows of linear_sm75.h. The entries are in linear_f16_sm75.cu; they take X at any address.
namespace leno::kernels::cuda {
namespace {

#define LENO_TILE(tile, Tile) \
  tile_shape<TileSizesSm75<Tile>>("linear_f16_gather_" #tile "_sm75", "linear_f16_tokens_" #tile "_sm75")
#define LENO_ROW(pattern, is_dense, tile, Tile)                                                                  \
  constexpr MmaKernel k_##pattern##_##tile{                                                                      \
      DType::f16, DType::f16, is_dense, LENO_TILE(tile, Tile), LENO_TILE(tile, Tile), "linear_f16_reduce_sm75"}; \
  constexpr LinearKernel kRow_##pattern##_##tile =                                                               \
      mma_row<k_##pattern##_##tile>("f16_linear_" #pattern "_" #tile "_sm75", 75);

LENO_ROW(shflbw, false, m16n128k64, M16N128K64)
LENO_ROW(shflbw, false, m32n128k32, M32N128K32)
LENO_ROW(shflbw, false, m64n64k32, M64N64K32)
LENO_ROW(shflbw, false, m64n128k32, M64N128K32)
LENO_ROW(shflbw, false, m128n128k32, M128N128K32Sm75)
LENO_ROW(dense, true, m64n64k32, M64N64K32)
LENO_ROW(dense, true, m64n128k32, M64N128K32)
LENO_ROW(dense, true, m128n128k32, M128N128K32Sm75)

constexpr const LinearKernel* kRows[] = {&kRow_shflbw_m128n128k32, &kRow_shflbw_m64n128k32, &kRow_shflbw_m64n64k32,
                                         &kRow_shflbw_m32n128k32,  &kRow_shflbw_m16n128k64, &kRow_dense_m128n128k32,
                                         &kRow_dense_m64n128k32,   &kRow_dense_m64n64k32};

}  // namespace

LinearRows linear_rows_sm75() { return kRows; }

}  // namespace leno::kernels::cuda
