#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"

// The rows of linear_sm80.h. The entries are in linear_bf16_sm80.cu and linear_f16_sm80.cu.
namespace leno::kernels::cuda {
namespace {

#define LENO_TILE(type, tile, Tile, unaligned)                                        \
  tile_shape<TileSizes<Tile>>("linear_" #type "_gather" #unaligned "_" #tile "_sm80", \
                              "linear_" #type "_tokens" #unaligned "_" #tile "_sm80")

#define LENO_SPARSE(type, tile, Tile, slow_tile, SlowTile)                                      \
  constexpr MmaKernel kSparse_##type##_##tile{DType::type,                                      \
                                              DType::type,                                      \
                                              false,                                            \
                                              LENO_TILE(type, tile, Tile, ),                    \
                                              LENO_TILE(type, slow_tile, SlowTile, _unaligned), \
                                              "linear_" #type "_reduce_sm80"};                  \
  constexpr LinearKernel kSparseRow_##type##_##tile =                                           \
      mma_row<kSparse_##type##_##tile>(#type "_linear_shflbw_" #tile "_sm80", 80);
#define LENO_DENSE(type, tile, Tile)                                                            \
  constexpr MmaKernel kDense_##type##_##tile{DType::type,                                       \
                                             DType::type,                                       \
                                             true,                                              \
                                             LENO_TILE(type, tile, Tile, ),                     \
                                             LENO_TILE(type, m64n64k32, M64N64K32, _unaligned), \
                                             "linear_" #type "_reduce_sm80"};                   \
  constexpr LinearKernel kDenseRow_##type##_##tile =                                            \
      mma_row<kDense_##type##_##tile>(#type "_linear_dense_" #tile "_sm80", 80);

#define LENO_ALL(type)                                              \
  LENO_SPARSE(type, m16n128k64, M16N128K64, m16n128k64, M16N128K64) \
  LENO_SPARSE(type, m32n128k32, M32N128K32, m64n64k32, M64N64K32)   \
  LENO_SPARSE(type, m64n64k32, M64N64K32, m64n64k32, M64N64K32)     \
  LENO_SPARSE(type, m64n128k32, M64N128K32, m64n64k32, M64N64K32)   \
  LENO_SPARSE(type, m64n256k32, M64N256K32, m64n64k32, M64N64K32)   \
  LENO_SPARSE(type, m128n128k32, M128N128K32, m64n64k32, M64N64K32) \
  LENO_SPARSE(type, m128n256k32, M128N256K32, m64n64k32, M64N64K32) \
  LENO_DENSE(type, m64n64k32, M64N64K32)                            \
  LENO_DENSE(type, m64n128k32, M64N128K32)                          \
  LENO_DENSE(type, m128n128k32, M128N128K32)                        \
  LENO_DENSE(type, m128n256k32, M128N256K32)
LENO_ALL(bf16)
LENO_ALL(f16)

#define LENO_ROWS(type)                                                                                  \
  &kSparseRow_##type##_m128n256k32, &kSparseRow_##type##_m128n128k32, &kSparseRow_##type##_m64n256k32,   \
      &kSparseRow_##type##_m64n128k32, &kSparseRow_##type##_m64n64k32, &kSparseRow_##type##_m32n128k32,  \
      &kSparseRow_##type##_m16n128k64, &kDenseRow_##type##_m128n256k32, &kDenseRow_##type##_m128n128k32, \
      &kDenseRow_##type##_m64n128k32, &kDenseRow_##type##_m64n64k32
constexpr const LinearKernel* kRows[] = {LENO_ROWS(bf16), LENO_ROWS(f16)};

}  // namespace

LinearRows linear_rows_sm80() { return kRows; }

}  // namespace leno::kernels::cuda
