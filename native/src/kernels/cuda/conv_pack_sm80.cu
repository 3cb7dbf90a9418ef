#include "kernels/cuda/conv_pack_entries.h"

namespace leno::kernels::cuda {

LENO_CONV_PACK(f32_bf16, PackFloat<ptx::BFloat>)

}  // namespace leno::kernels::cuda
