#include "kernels/cuda/entry.h"
#include "kernels/cuda/linear_sm90.h"

// The entries, as linear_sm90.cpp names them.
namespace leno::kernels::cuda {

#define LENO_LINEAR_SM90(type, Io, source, Source, tile, Tile)                                   \
  LENO_CUDA_ENTRY(linear_##type##_##source##_##tile##_sm90, Tile::kThreads, 1, LinearSm90Params, \
                  linear_sm90<Tile, Source, Io>)
#define LENO_LINEAR_SM90_PAIR(type, Io, source, Source, tile, Tile)                                                   \
  LENO_CUDA_CLUSTER_ENTRY(linear_##type##_##source##_##tile##_sm90, Tile::kThreads, Tile::kCluster, LinearSm90Params, \
                          linear_sm90<Tile, Source, Io>)
#define LENO_LINEAR_SM90_TYPE(type, Io)                                                   \
  LENO_LINEAR_SM90(type, Io, gather, GatheredRows, m64n256k64, M64N256K64Sm90)            \
  LENO_LINEAR_SM90(type, Io, gather, GatheredRows, m64n512k32, M64N512K32Sm90)            \
  LENO_LINEAR_SM90(type, Io, gather, GatheredRows, m128n256k32, M128N256K32Sm90)          \
  LENO_LINEAR_SM90(type, Io, gather, GatheredRows, m128n256k64, M128N256K64Sm90)          \
  LENO_LINEAR_SM90(type, Io, tokens, TokenRows, m128n256k64, M128N256K64Sm90)             \
  LENO_LINEAR_SM90_PAIR(type, Io, gather, GatheredRows, m64n512k32c2, M64N512K32C2Sm90)   \
  LENO_LINEAR_SM90_PAIR(type, Io, gather, GatheredRows, m128n256k32c2, M128N256K32C2Sm90) \
  LENO_LINEAR_SM90_PAIR(type, Io, gather, GatheredRows, m128n256k64c2, M128N256K64C2Sm90) \
  LENO_LINEAR_SM90_PAIR(type, Io, tokens, TokenRows, m128n256k64c2, M128N256K64C2Sm90)

LENO_LINEAR_SM90_TYPE(bf16, ptx::BFloat)
LENO_LINEAR_SM90_TYPE(f16, ptx::Half)

}  // namespace leno::kernels::cuda
