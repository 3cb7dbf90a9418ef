#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_reduce.h"
#include "kernels/cuda/linear_sm75.h"

// As linear_sm75.cpp names them.
#define LENO_LINEAR_SM75(tile, Tile, source, X)                                                    \
  LENO_CUDA_ENTRY(linear_f16_##source##_##tile##_sm75, TileSizes<Tile>::kThreads, 1, LinearParams, \
                  linear_sm75<Tile, X<Tile>>)

namespace leno::kernels::cuda {

LENO_LINEAR_SM75(m16n128k64, M16N128K64, gather, GatheredX)
LENO_LINEAR_SM75(m32n128k32, M32N128K32, gather, GatheredX)
LENO_LINEAR_SM75(m64n64k32, M64N64K32, gather, GatheredX)
LENO_LINEAR_SM75(m64n128k32, M64N128K32, gather, GatheredX)
LENO_LINEAR_SM75(m128n128k32, M128N128K32Sm75, gather, GatheredX)

LENO_LINEAR_SM75(m64n64k32, M64N64K32, tokens, TokenX)
LENO_LINEAR_SM75(m64n128k32, M64N128K32, tokens, TokenX)
LENO_LINEAR_SM75(m128n128k32, M128N128K32Sm75, tokens, TokenX)

LENO_CUDA_ENTRY(linear_f16_reduce_sm75, ReduceTile::kThreads, 4, LinearParams, reduce_splits<ptx::Half>)

}  // namespace leno::kernels::cuda
