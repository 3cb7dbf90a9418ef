#include "kernels/cuda/conv_epilogue.h"
#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_reduce.h"
#include "kernels/cuda/linear_sm75.h"

// As conv_sm75.cpp names them.
#define LENO_CONV_SM75(tile, Tile) \
  LENO_CUDA_ENTRY(conv2d_f16_##tile##_sm75, TileSizes<Tile>::kThreads, 1, ConvParams, linear_sm75<Tile, ConvX<Tile>>)

namespace leno::kernels::cuda {

LENO_CONV_SM75(m16n128k64, M16N128K64)
LENO_CONV_SM75(m32n128k32, M32N128K32)
LENO_CONV_SM75(m64n64k32, M64N64K32)
LENO_CONV_SM75(m64n128k32, M64N128K32)
LENO_CONV_SM75(m128n128k32, M128N128K32Sm75)

LENO_CUDA_ENTRY(conv2d_f16_reduce_sm75, ReduceTile::kThreads, 4, ConvParams, reduce_splits<ptx::Half>)

}  // namespace leno::kernels::cuda
