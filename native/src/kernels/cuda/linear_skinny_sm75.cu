#include "kernels/cuda/linear_skinny_entries.h"

namespace leno::kernels::cuda {

LENO_SKINNY_ENTRIES_124(f16, sm75, uint16_t, SkinnyStep16Halved)
LENO_SKINNY_ENTRIES_124(f16_f32, sm75, float, SkinnyStep16Halved)
LENO_CUDA_ENTRY(linear_skinny_f16_reduce, SkinnyReduce::kThreads, 4, SkinnyParams, reduce_skinny<ptx::Half>)

}  // namespace leno::kernels::cuda
