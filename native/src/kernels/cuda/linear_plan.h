#pragma once

#include "kernels/cuda/linear_kernel.h"
#include "kernels/cuda/tile.h"

// Planning the kernels of whole tiles, which differ only in those and in entries: which launches a forward needs, and
// the workspace between them.
//
//   feature-major             gather                              [+ reduce]
//   token-major, dense        tokens                              [+ reduce]
//   token-major, rows stay    transpose x, gather to token-major  [+ reduce]
//   token-major, rows move    transpose x, gather                 [+ reduce], transpose y with the residual
//
// fp32 activations become those of 16 bits that the weights have: as x is transposed, or else by a conversion before
// the product, which writes y in fp32. e4m3 weights: a feature-major x (transposed before that where it is token-major)
// is quantised into the workspace and gathered from there. fp32 weights gather, dense ones too; nothing is rounded.
//
// reduce: where the blocks would not fill the card, k is split and the sums of the parts meet in the workspace.
namespace leno::kernels::cuda {

// A tile as planning sees it.
struct TileShape {
  int m, n, k, threads, shared_bytes;
  int blocks;  // that are meant to share a multiprocessor
  // Of one tile's kernel: by the source of X.
  const char *gather, *tokens;
  // Sets grid and parameters of the product where they are not a block for each tile and LinearParams.
  void (*arrange)(Launch& product, const TileShape& tile, const LinearWeights& weights, const LinearParams& params,
                  const Card& card) = nullptr;
  int cluster = 1;  // blocks that share weights: neighbours along the tokens
};
template <class Sizes>
constexpr TileShape tile_shape(const char* gather, const char* tokens) {
  return {Sizes::kM, Sizes::kN, Sizes::kK, Sizes::kThreads, Sizes::kSharedBytes, Sizes::kBlocks, gather, tokens};
}
// Of the warp-skip tiles, which have one source of X.
template <class Tile>
constexpr TileShape skip_tile_shape(const char* gather) {
  return {Tile::kM, Tile::kN, Tile::kK, Tile::kThreads, Tile::kSharedBytes, Tile::kBlocks, gather, nullptr};
}

struct MmaKernel {
  DType type, io;       // of weights and of the activations that are multiplied; fp32 ones are rounded to these
  bool dense;           // takes dense weights, else those with a pattern
  TileShape tile;       // for addresses and strides of X of whole 16 bytes
  TileShape unaligned;  // for all others
  const char* reduce;
};

// The most that tiles of every kind serve, whatever the height of groups: a grid has fewer than 2^31 blocks.
int64_t mma_most_tokens(int64_t rows);
std::string mma_refuse(const MmaKernel& kernel, const Card& card, const WeightsKind& weights, const LinearSpec& spec,
                       int64_t tokens);
int64_t mma_workspace_bytes(const MmaKernel& kernel, const LinearWeights& weights, const LinearSpec& spec,
                            int64_t tokens, const Card& card);
Launches mma_plan(const MmaKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
                  const LinearSpec& spec, const LinearCall& call, std::byte* workspace, const Card& card);

// The kernel for the type of activations.
template <const MmaKernel& F16, const MmaKernel& BF16>
const MmaKernel& mma_kernel_for(const LinearSpec& spec) {
  return spec.io == F16.io ? F16 : BF16;
}
// The row of kernels that differ in the type of activations.
template <const MmaKernel& F16, const MmaKernel& BF16>
constexpr LinearKernel mma_row_of_two(const char* name, int arch, bool exact = false) {
  return {name,
          arch,
          exact,
          F16.type,
          &kFragments,
          [](const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t tokens) {
            return mma_refuse(mma_kernel_for<F16, BF16>(spec), card, weights, spec, tokens);
          },
          [](const LinearWeights& weights, const LinearSpec& spec, int64_t tokens, const Card& card) {
            return mma_workspace_bytes(mma_kernel_for<F16, BF16>(spec), weights, spec, tokens, card);
          },
          [](const LinearWeights& weights, const DeviceOperands& operands, const LinearSpec& spec,
             const LinearCall& call, std::byte* workspace, const Card& card) {
            return mma_plan(mma_kernel_for<F16, BF16>(spec), weights, operands, spec, call, workspace, card);
          },
          nullptr,
          F16.tile.m,
          F16.tile.cluster > 1 ? F16.tile.n : 0};
}
// The row of one kernel.
template <const MmaKernel& Kernel>
constexpr LinearKernel mma_row(const char* name, int arch, bool exact = false) {
  return mma_row_of_two<Kernel, Kernel>(name, arch, exact);
}

// How many parts k is split into, 1 where the blocks fill the card.
int split_count(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card);
// Of the sums of those parts, 0 where there is one.
int64_t partial_bytes(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card);
// Sets what follows from the tile in `params`.
void set_splits(const TileShape& tile, const LinearWeights& weights, LinearParams& params, const Card& card);
// Grid, threads and shared memory of a block for each tile, and of the reduction behind it.
void shape_product(Launch& product, const TileShape& tile, const LinearWeights& weights, const LinearParams& params);
void shape_reduce(Launch& reduce, const LinearWeights& weights, const LinearParams& params);

}  // namespace leno::kernels::cuda
