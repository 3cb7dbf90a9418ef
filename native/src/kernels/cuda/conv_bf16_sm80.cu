#include "kernels/cuda/conv_entries_sm80.h"

namespace leno::kernels::cuda {

LENO_CONV_TILES_SM80(bf16, ptx::BFloat)

}  // namespace leno::kernels::cuda
