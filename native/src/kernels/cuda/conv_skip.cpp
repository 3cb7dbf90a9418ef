#include "kernels/cuda/conv_rows.h"
#include "kernels/cuda/linear_skip_tile.h"
#include "kernels/cuda/linear_skip_weights.h"

// The rows of the convolution on linear_skip_f32.h: fp32 weights and images, sums in fp32 on the CUDA cores. The
// entries are in conv_skip_f32_sm80.cu and conv_skip_f32_sm75.cu.
namespace leno::kernels::cuda {
namespace {

// Y is fp32: that it is no f16 is what the reduction is told.
template <class Tile>
constexpr ConvKernel skip_row(const char* name, const char* entry, int arch, bool dense) {
  return {name, arch, DType::f32, dense, skip_tile_shape<Tile>(entry), "conv2d_f16_reduce_sm75", &kSkipM64};
}

#define LENO_ROWS(tile, Tile)                                                                              \
  constexpr ConvKernel kSparse80_##tile =                                                                  \
      skip_row<Tile>("f32_conv2d_skip_" #tile "_sm80", "conv2d_f32_skip_" #tile "_sm80", 80, false);       \
  constexpr ConvKernel kDense80_##tile =                                                                   \
      skip_row<Tile>("f32_conv2d_dense_" #tile "_sm80", "conv2d_f32_skip_" #tile "_sm80", 80, true);       \
  constexpr ConvKernel kSparse75_##tile =                                                                  \
      skip_row<Tile##Sm75>("f32_conv2d_skip_" #tile "_sm75", "conv2d_f32_skip_" #tile "_sm75", 75, false); \
  constexpr ConvKernel kDense75_##tile =                                                                   \
      skip_row<Tile##Sm75>("f32_conv2d_dense_" #tile "_sm75", "conv2d_f32_skip_" #tile "_sm75", 75, true);

LENO_ROWS(m64n256k16, SkipM64N256)
LENO_ROWS(m64n128k16, SkipM64N128)

constexpr const ConvKernel* kRows[] = {&kSparse80_m64n256k16, &kSparse80_m64n128k16, &kDense80_m64n256k16,
                                       &kDense80_m64n128k16,  &kSparse75_m64n256k16, &kSparse75_m64n128k16,
                                       &kDense75_m64n256k16,  &kDense75_m64n128k16};

}  // namespace

ConvRows conv_rows_skip() { return kRows; }

}  // namespace leno::kernels::cuda
