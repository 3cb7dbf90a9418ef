#include "kernels/cuda/convert.h"
#include "kernels/cuda/entry.h"

// bf16 is rounded in hardware from sm_80 on, and is not offered before.
namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(convert_f32_bf16, ConvertTile::kThreads, 4, ConvertParams, convert<ptx::BFloat>)

}  // namespace leno::kernels::cuda
