#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_sm80.h"
#include "kernels/cuda/quantise.h"
#include "kernels/cuda/x_source_e4m3.h"

// As linear_sm89.cpp names them: by the type of y.
#define LENO_LINEAR_SM89(type, Io, tile, Tile)                                                                     \
  LENO_CUDA_ENTRY(linear_e4m3_##type##_##tile##_sm89, (TileSizes<Tile, 1>::kThreads), Tile::kBlocks, LinearParams, \
                  linear_sm80<Io, GatheredX8<Tile>, AlignedCopy, MmaK32>)

namespace leno::kernels::cuda {

LENO_LINEAR_SM89(f16, ptx::Half, m16n128k64, M16N128K64E4M3)
LENO_LINEAR_SM89(f16, ptx::Half, m64n128k64, M64N128K64E4M3)
LENO_LINEAR_SM89(f16, ptx::Half, m128n128k64, M128N128K64E4M3)
LENO_LINEAR_SM89(bf16, ptx::BFloat, m16n128k64, M16N128K64E4M3)
LENO_LINEAR_SM89(bf16, ptx::BFloat, m64n128k64, M64N128K64E4M3)
LENO_LINEAR_SM89(bf16, ptx::BFloat, m128n128k64, M128N128K64E4M3)

LENO_CUDA_ENTRY(quantise_f16_e4m3_sm89, QuantiseTile::kThreads, 4, QuantiseParams, quantise<ptx::Half>)
LENO_CUDA_ENTRY(quantise_bf16_e4m3_sm89, QuantiseTile::kThreads, 4, QuantiseParams, quantise<ptx::BFloat>)
LENO_CUDA_ENTRY(quantise_f32_e4m3_sm89, QuantiseTile::kThreads, 4, QuantiseParams, quantise<float>)

}  // namespace leno::kernels::cuda
