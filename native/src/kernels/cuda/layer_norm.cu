#include "kernels/cuda/entry.h"
#include "kernels/cuda/layer_norm.h"

namespace leno::kernels::cuda {

LENO_CUDA_ENTRY(layer_norm_f16_warp, LayerNormTile::kThreads, 3, LayerNormParams, LayerNorm<ptx::Half, 32>::run)
LENO_CUDA_ENTRY(layer_norm_f16_block, LayerNormTile::kThreads, 3, LayerNormParams,
                LayerNorm<ptx::Half, LayerNormTile::kThreads>::run)
LENO_CUDA_ENTRY(layer_norm_f32_warp, LayerNormTile::kThreads, 3, LayerNormParams, LayerNorm<float, 32>::run)
LENO_CUDA_ENTRY(layer_norm_f32_block, LayerNormTile::kThreads, 3, LayerNormParams,
                LayerNorm<float, LayerNormTile::kThreads>::run)

}  // namespace leno::kernels::cuda
