#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_skip_tile.h"
#include "kernels/cuda/linear_skip_weights.h"

// The rows of linear_skip_f32.h: fp32 weights and activations, sums in fp32 on the CUDA cores, never TF32. The entries
// are in linear_skip_f32_sm80.cu and linear_skip_f32_sm75.cu.
namespace leno::kernels::cuda {
namespace {

// Y is fp32: that it is no f16 is what the reduction is told.
constexpr const char* kReduce = "linear_f16_reduce_sm75";

#define LENO_KERNEL(tile, Tile)                                                                                  \
  constexpr TileShape kAny_##tile = skip_tile_shape<Tile##Sm75>("linear_f32_skip_" #tile "_sm75");               \
  constexpr TileShape kAsync_##tile = skip_tile_shape<Tile>("linear_f32_skip_" #tile "_sm80");                   \
  constexpr MmaKernel kSparse75_##tile{DType::f32, DType::f32, false, kAny_##tile, kAny_##tile, kReduce};        \
  constexpr MmaKernel kSparse80_##tile{DType::f32, DType::f32, false, kAsync_##tile, kAny_##tile, kReduce};      \
  constexpr MmaKernel kDense75_##tile{DType::f32, DType::f32, true, kAny_##tile, kAny_##tile, kReduce};          \
  constexpr MmaKernel kDense80_##tile{DType::f32, DType::f32, true, kAsync_##tile, kAny_##tile, kReduce};        \
  constexpr LinearKernel kSparseRow75_##tile = skip_row<kSparse75_##tile>("f32_linear_skip_" #tile "_sm75", 75); \
  constexpr LinearKernel kSparseRow80_##tile = skip_row<kSparse80_##tile>("f32_linear_skip_" #tile "_sm80", 80); \
  constexpr LinearKernel kDenseRow75_##tile = skip_row<kDense75_##tile>("f32_linear_dense_" #tile "_sm75", 75);  \
  constexpr LinearKernel kDenseRow80_##tile = skip_row<kDense80_##tile>("f32_linear_dense_" #tile "_sm80", 80);

template <const MmaKernel& Kernel>
constexpr LinearKernel skip_row(const char* name, int arch) {
  LinearKernel row = mma_row<Kernel>(name, arch);
  row.format = &kSkipM64;
  row.tile_rows = 0;  // rows of several units, none of which is padded
  return row;
}

LENO_KERNEL(m64n256k16, SkipM64N256)
LENO_KERNEL(m64n128k16, SkipM64N128)

constexpr const LinearKernel* kRows[] = {&kSparseRow80_m64n256k16, &kSparseRow80_m64n128k16, &kDenseRow80_m64n256k16,
                                         &kDenseRow80_m64n128k16,  &kSparseRow75_m64n256k16, &kSparseRow75_m64n128k16,
                                         &kDenseRow75_m64n256k16,  &kDenseRow75_m64n128k16};

}  // namespace

LinearRows linear_rows_skip() { return kRows; }

}  // namespace leno::kernels::cuda
