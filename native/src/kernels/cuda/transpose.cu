#include "kernels/cuda/entry.h"
#include "kernels/cuda/transpose.h"

namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(transpose_b16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile16, ptx::Half, false>)
LENO_CUDA_ENTRY(transpose_add_f16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile16, ptx::Half, true>)
LENO_CUDA_ENTRY(transpose_f32_f16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile32, ptx::Half, false>)

}  // namespace leno::kernels::cuda
