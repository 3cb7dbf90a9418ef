#include "kernels/cuda/linear_skinny_entries.h"

// Named by their weights and by what X and y are.
namespace leno::kernels::cuda {

LENO_SKINNY_ENTRIES_12(e4m3_f16, sm89, SkinnyStep8<ptx::Half>)
LENO_SKINNY_ENTRIES_12(e4m3_bf16, sm89, SkinnyStep8<ptx::BFloat>)

}  // namespace leno::kernels::cuda
