#include "kernels/cuda/entry.h"
#include "kernels/cuda/layer_norm.h"

namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(layer_norm_bf16_warp, LayerNormTile::kThreads, 3, LayerNormParams, LayerNorm<ptx::BFloat, 32>::run)
LENO_CUDA_ENTRY(layer_norm_bf16_block, LayerNormTile::kThreads, 3, LayerNormParams,
                LayerNorm<ptx::BFloat, LayerNormTile::kThreads>::run)

}  // namespace leno::kernels::cuda
