#include "kernels/cuda/conv_skip_f32.h"
#include "kernels/cuda/entry.h"

// As conv_skip.cpp names them.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(conv2d_f32_skip_m64n128k16_sm80, SkipM64N128::kThreads, SkipM64N128::kBlocks, ConvParams,
                linear_skip_f32<AsyncSkipCopy<ConvSkipX<SkipM64N128>>>)

LENO_CUDA_ENTRY(conv2d_f32_skip_m64n256k16_sm80, SkipM64N256::kThreads, SkipM64N256::kBlocks, ConvParams,
                linear_skip_f32<AsyncSkipCopy<ConvSkipX<SkipM64N256>>>)

}  // namespace leno::kernels::cuda
