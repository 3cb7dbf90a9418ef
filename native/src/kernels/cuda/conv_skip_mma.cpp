#include "kernels/cuda/conv_rows.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "kernels/cuda/linear_skip_weights.h"

// The rows of the convolution on linear_skip_mma.h. The entries are in conv_skip_bf16_sm80.cu and
// conv_skip_f16_sm80.cu.
namespace leno::kernels::cuda {
namespace {

#define LENO_SKIP(type, unit)                                                                                          \
  constexpr ConvKernel k_##type##_u##unit{#type "_conv2d_skip_u" #unit "_m64n128k32_sm80",                             \
                                          80,                                                                          \
                                          DType::type,                                                                 \
                                          false,                                                                       \
                                          skip_tile_shape<SkipMmaTile<unit>>("conv2d_" #type "_skip_u" #unit "_sm80"), \
                                          "conv2d_" #type "_reduce_sm80",                                              \
                                          &kSkipUnit##unit,                                                            \
                                          unit};
LENO_SKIP(bf16, 8)
LENO_SKIP(bf16, 16)
LENO_SKIP(bf16, 32)
LENO_SKIP(f16, 8)
LENO_SKIP(f16, 16)
LENO_SKIP(f16, 32)

constexpr const ConvKernel* kRows[] = {&k_bf16_u8, &k_bf16_u16, &k_bf16_u32, &k_f16_u8, &k_f16_u16, &k_f16_u32};

}  // namespace

ConvRows conv_rows_skip_mma() { return kRows; }

}  // namespace leno::kernels::cuda
