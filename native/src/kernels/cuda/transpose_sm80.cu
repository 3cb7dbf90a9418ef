#include "kernels/cuda/entry.h"
#include "kernels/cuda/transpose.h"

// bf16 is rounded in hardware from sm_80 on, and is not offered before.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(transpose_add_bf16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile16, ptx::BFloat, true>)
LENO_CUDA_ENTRY(transpose_f32_bf16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile32, ptx::BFloat, false>)

}  // namespace leno::kernels::cuda
