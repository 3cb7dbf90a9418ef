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
};
template <class Sizes>
constexpr TileShape tile_shape(const char* gather, const char* tokens) {
  return {Sizes::kM, Sizes::kN, Sizes::kK, Sizes::kThreads, Sizes::kSharedBytes, Sizes::kBlocks, gather, tokens};
}

struct MmaKernel {
  DType type;
  bool dense;           // takes dense weights, else those with a pattern
  TileShape tile;       // for addresses and strides of X of whole 16 bytes
  TileShape unaligned;  // for all others
  const char* reduce;
};

std::string mma_refuse(const MmaKernel& kernel, const Card& card, const WeightsKind& weights, const LinearSpec& spec,
                       int64_t tokens);
int64_t mma_workspace_bytes(const MmaKernel& kernel, const LinearWeights& weights, const LinearSpec& spec,
                            int64_t tokens, const Card& card);
Launches mma_plan(const MmaKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
                  const LinearSpec& spec, const LinearCall& call, std::byte* workspace, const Card& card);

// The row of a kernel.
template <const MmaKernel& Kernel>
constexpr LinearKernel mma_row(const char* name, int arch, bool exact = false) {
  return {name,
          arch,
          exact,
          Kernel.type,
          &kFragments,
          [](const Card& card, const WeightsKind& weights, const LinearSpec& spec, int64_t tokens) {
            return mma_refuse(Kernel, card, weights, spec, tokens);
          },
          [](const LinearWeights& weights, const LinearSpec& spec, int64_t tokens, const Card& card) {
            return mma_workspace_bytes(Kernel, weights, spec, tokens, card);
          },
          [](const LinearWeights& weights, const DeviceOperands& operands, const LinearSpec& spec,
             const LinearCall& call, std::byte* workspace,
             const Card& card) { return mma_plan(Kernel, weights, operands, spec, call, workspace, card); }};
}

// How many parts k is split into, 1 where the blocks fill the card.
int split_count(const TileShape& tile, const LinearWeights& weights, int64_t tokens, const Card& card);

}  // namespace leno::kernels::cuda
