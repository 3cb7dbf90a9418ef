#include "kernels/cuda/entry.h"
#include "kernels/cuda/transpose.h"

namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(transpose_b16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile16, TransposeTo<ptx::Half>>)
LENO_CUDA_ENTRY(transpose_f32_f16, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile32, TransposeTo<ptx::Half>>)
LENO_CUDA_ENTRY(transpose_f32, TransposeTile::kThreads, 4, TransposeParams,
                transpose<TransposeTile32, TransposeTo<float>>)

}  // namespace leno::kernels::cuda
