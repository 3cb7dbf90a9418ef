#include "kernels/cuda/convert.h"
#include "kernels/cuda/entry.h"

namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(convert_f32_f16, ConvertTile::kThreads, 4, ConvertParams, convert<ptx::Half>)

}  // namespace leno::kernels::cuda
