#include "kernels/cuda/entry.h"
#include "kernels/cuda/transpose.h"

// bf16 is rounded in hardware from sm_80 on, and is not offered before.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(transpose_f32_bf16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile32, TransposeTo<ptx::BFloat>>)

}  // namespace leno::kernels::cuda
