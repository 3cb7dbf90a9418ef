#include "kernels/cuda/conv_skip_f32.h"
#include "kernels/cuda/entry.h"

// As conv_skip.cpp names them.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(conv2d_f32_skip_m64n128k16_sm75, SkipM64N128Sm75::kThreads, SkipM64N128Sm75::kBlocks, ConvParams,
                linear_skip_f32<PlainSkipCopy<ConvSkipX<SkipM64N128Sm75>>>)

LENO_CUDA_ENTRY(conv2d_f32_skip_m64n256k16_sm75, SkipM64N256Sm75::kThreads, SkipM64N256Sm75::kBlocks, ConvParams,
                linear_skip_f32<PlainSkipCopy<ConvSkipX<SkipM64N256Sm75>>>)

}  // namespace leno::kernels::cuda
