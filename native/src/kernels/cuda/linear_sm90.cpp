#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/cuda/linear_plan.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_sm90_tile.h"

// The rows of linear_sm90.h. The entries are in linear_sm90.cu.
namespace leno::kernels::cuda {
namespace {

// A block for each multiprocessor, and a list of tiles for all of them; a tile is what a cluster of blocks computes.
void arrange(Launch& product, const TileShape& tile, const LinearWeights& weights, const LinearParams& params,
             const Card& card) {
  LinearSm90Params p;
  static_cast<LinearParams&>(p) = params;
  const int64_t tokens_of_tile = int64_t(tile.n) * tile.cluster;
  p.token_tiles = int32_t(ceil_div(params.tokens, tokens_of_tile));
  p.slices = int32_t(ceil_div(weights.group_rows, int64_t(tile.m)));
  p.tiles = int32_t(weights.groups * p.slices * p.token_tiles * p.splits);
  // Half of the L2 for X of one slab; weights and y go through the rest.
  const int64_t bytes_of_tile = std::max<int64_t>(1, weights.columns * tokens_of_tile * 2);
  p.slab = int32_t(std::clamp<int64_t>(card.l2_bytes / 2 / bytes_of_tile, 1, p.token_tiles));
  product.grid[0] =
      uint32_t(std::min<int64_t>(p.tiles, std::max(1, card.multiprocessors / tile.cluster)) * tile.cluster);
  product.grid[1] = 1;
  product.set(p);
}

template <class Tile>
constexpr TileShape shape(const char* gather, const char* tokens) {
  return {Tile::kRows, Tile::kTokens, Tile::kStageColumns, Tile::kThreads, int(Tile::kSharedBytes), 1, gather,
          tokens,      arrange,       Tile::kCluster};
}

// A kernel takes X at any address: it looks for itself.
#define LENO_SPARSE(type, tile, Tile)                                                                          \
  constexpr TileShape kShape_##type##_##tile = shape<Tile>("linear_" #type "_gather_" #tile "_sm90", nullptr); \
  constexpr MmaKernel kSparse_##type##_##tile{DType::type,                                                     \
                                              DType::type,                                                     \
                                              false,                                                           \
                                              kShape_##type##_##tile,                                          \
                                              kShape_##type##_##tile,                                          \
                                              "linear_" #type "_reduce_sm80"};                                 \
  constexpr LinearKernel kRow_##type##_##tile =                                                                \
      mma_row<kSparse_##type##_##tile>(#type "_linear_shflbw_" #tile "_sm90", 90, true);
#define LENO_DENSE(type, tile, Tile)                                                                                   \
  constexpr TileShape kShape_##type##_##tile =                                                                         \
      shape<Tile>("linear_" #type "_gather_" #tile "_sm90", "linear_" #type "_tokens_" #tile "_sm90");                 \
  constexpr MmaKernel kDense_##type##_##tile{                                                                          \
      DType::type, DType::type, true, kShape_##type##_##tile, kShape_##type##_##tile, "linear_" #type "_reduce_sm80"}; \
  constexpr LinearKernel kRow_##type##_##tile =                                                                        \
      mma_row<kDense_##type##_##tile>(#type "_linear_dense_" #tile "_sm90", 90, true);

#define LENO_ALL(type)                                \
  LENO_SPARSE(type, m64n256k64, M64N256K64Sm90)       \
  LENO_SPARSE(type, m64n512k32, M64N512K32Sm90)       \
  LENO_SPARSE(type, m128n256k32, M128N256K32Sm90)     \
  LENO_DENSE(type, m128n256k64, M128N256K64Sm90)      \
  LENO_SPARSE(type, m64n512k32c2, M64N512K32C2Sm90)   \
  LENO_SPARSE(type, m128n256k32c2, M128N256K32C2Sm90) \
  LENO_DENSE(type, m128n256k64c2, M128N256K64C2Sm90)
LENO_ALL(bf16)
LENO_ALL(f16)

#define LENO_ROWS(type)                                                                                                \
  &kRow_##type##_m128n256k32c2, &kRow_##type##_m64n512k32c2, &kRow_##type##_m128n256k64c2, &kRow_##type##_m128n256k32, \
      &kRow_##type##_m64n512k32, &kRow_##type##_m64n256k64, &kRow_##type##_m128n256k64
constexpr const LinearKernel* kRows[] = {LENO_ROWS(bf16), LENO_ROWS(f16)};

}  // namespace

LinearRows linear_rows_sm90() { return kRows; }

}  // namespace leno::kernels::cuda
