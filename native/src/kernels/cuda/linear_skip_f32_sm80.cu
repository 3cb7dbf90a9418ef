#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_skip_f32.h"

// As linear_skip.cpp names them.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(linear_f32_skip_m64n128k16_sm80, SkipM64N128::kThreads, SkipM64N128::kBlocks, LinearParams,
                linear_skip_f32<AsyncSkipCopy<SkipX<SkipM64N128>>>)

LENO_CUDA_ENTRY(linear_f32_skip_m64n256k16_sm80, SkipM64N256::kThreads, SkipM64N256::kBlocks, LinearParams,
                linear_skip_f32<AsyncSkipCopy<SkipX<SkipM64N256>>>)

}  // namespace leno::kernels::cuda
