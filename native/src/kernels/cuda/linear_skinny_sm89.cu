#include "kernels/cuda/linear_skinny_entries.h"

// Named by their weights, by what these are multiplied as, and _f32 where X and y are that.
namespace leno::kernels::cuda {

LENO_SKINNY_ENTRIES_12(e4m3_f16, sm89, uint16_t, SkinnyStep8<ptx::Half>)
LENO_SKINNY_ENTRIES_12(e4m3_bf16, sm89, uint16_t, SkinnyStep8<ptx::BFloat>)
LENO_SKINNY_ENTRIES_12(e4m3_bf16_f32, sm89, float, SkinnyStep8<ptx::BFloat>)

}  // namespace leno::kernels::cuda
