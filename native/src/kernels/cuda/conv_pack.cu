#include "kernels/cuda/conv_pack_entries.h"

namespace leno::kernels::cuda {

LENO_CONV_PACK(b16, PackB16)
LENO_CONV_PACK(f32, PackF32)
LENO_CONV_PACK(f32_f16, PackFloat<ptx::Half>)

}  // namespace leno::kernels::cuda
