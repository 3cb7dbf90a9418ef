#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skip_f32.h"

// As linear_skip.cpp names them. They take X at any address.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(linear_f32_skip_m64n128k16_sm75, SkipM64N128Sm75::kThreads, SkipM64N128Sm75::kBlocks, LinearParams,
                linear_skip_f32<PlainSkipCopy<SkipX<SkipM64N128Sm75>>>)

LENO_CUDA_ENTRY(linear_f32_skip_m64n256k16_sm75, SkipM64N256Sm75::kThreads, SkipM64N256Sm75::kBlocks, LinearParams,
                linear_skip_f32<PlainSkipCopy<SkipX<SkipM64N256Sm75>>>)

}  // namespace leno::kernels::cuda
