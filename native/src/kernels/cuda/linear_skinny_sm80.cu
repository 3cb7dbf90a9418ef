#include "kernels/cuda/linear_skinny_entries.h"

namespace leno::kernels::cuda {

LENO_SKINNY_ENTRIES_124(f16, sm80, uint16_t, SkinnyStep16<ptx::Half>)
LENO_SKINNY_ENTRIES_124(f16_f32, sm80, float, SkinnyStep16<ptx::Half>)
LENO_SKINNY_ENTRIES_124(bf16, sm80, uint16_t, SkinnyStep16<ptx::BFloat>)
LENO_SKINNY_ENTRIES_124(bf16_f32, sm80, float, SkinnyStep16<ptx::BFloat>)
LENO_CUDA_ENTRY(linear_skinny_bf16_reduce, SkinnyReduce::kThreads, 4, SkinnyParams, reduce_skinny<ptx::BFloat>)

}  // namespace leno::kernels::cuda
