#pragma once

#include <cstdint>

#include "kernels/cuda/linear_params.h"

// The tiles of the sm_90a kernels: what both the kernel and the plan of its launch know.
namespace leno::kernels::cuda {

struct LinearSm90Params : LinearParams {
  int32_t token_tiles = 1;  // of all blocks of a cluster together, as everything here
  int32_t slab = 1;    // token tiles that all groups go through before the next ones: their part of X stays in the L2
  int32_t slices = 1;  // tiles that the rows of a group take
  int32_t tiles = 1;   // groups x slices x token tiles x splits
};

// One block has two warpgroups that multiply and one that gathers. kRows packed rows (a group has at most so many) by
// kTokens tokens; a stage of the ring holds kSteps k-steps of 16 columns. The kCluster blocks of a cluster take the
// same rows and neighbouring tokens: what one loads of the weights goes to all.
template <int Rows, int Tokens, int Steps, int Stages, int Cluster = 1>
struct WgmmaTile {
  static constexpr int kRows = Rows;
  static constexpr int kTokens = Tokens;
  static constexpr int kSteps = Steps;
  static constexpr int kStages = Stages;
  static constexpr int kCluster = Cluster;

  static constexpr int kThreads = 384;
  static constexpr int kConsumers = 2;  // warpgroups
  // Of 168 a thread at launch. What ties the blocks of a cluster together takes more than 40 to gather.
  static constexpr int kGatherRegisters = Cluster > 1 ? 56 : 40;
  static constexpr int kMultiplyRegisters = Cluster > 1 ? 224 : 232;
  static_assert(kGatherRegisters + kConsumers * kMultiplyRegisters == 3 * 168, "what is given away is taken");

  // The two warpgroups lie side by side along the rows where there are rows for both, along the tokens elsewhere.
  static constexpr int kRowGroups = Rows > 64 ? 2 : 1;
  static constexpr int kRowBlocks = Rows / 64 / kRowGroups;  // of 64 rows, of a warpgroup
  static constexpr int kGroupTokens = Tokens * kRowGroups / kConsumers;
  static constexpr int kTokenBlocks = kGroupTokens > 256 ? 2 : 1;
  static constexpr int kN = kGroupTokens / kTokenBlocks;  // of one wgmma
  static constexpr int kAccumulators = kN / 2;            // registers of one wgmma's result

  static constexpr int kStageColumns = 16 * Steps;
  static constexpr int kChunkTokens = 64;  // 128 bytes: what a swizzle atom is wide
  static constexpr uint32_t kChunkBytes = kStageColumns * 128;
  static constexpr uint32_t kGatherBytes = Tokens / kChunkTokens * kChunkBytes;
  static constexpr uint32_t kWeightBytes = Steps * Rows * 32;
  static constexpr uint32_t kBarriersAt = Stages * (kGatherBytes + kWeightBytes);
  static constexpr uint32_t kBarrierBytes = Cluster > 1 ? (Stages * 24 + 15) / 16 * 16 : Stages * 16;
  static constexpr uint32_t kStagingAt = kBarriersAt + kBarrierBytes;
  static constexpr uint32_t kStagingBytes = 16 * (32 + 8) * 4;  // of a warp: Staging<4> of epilogue.h
  static constexpr uint32_t kSharedBytes = kStagingAt + 8 * kStagingBytes + 1024;  // 1024: to begin at a whole atom

  // Stages whose copies may be under way when the next one is begun. The multiplying warpgroups hold two stages (one
  // in the tensor cores, one just before its release): more would wait for itself.
  static constexpr int kLag = Stages - 2;

  static_assert(Rows % 64 == 0 && Tokens % (kChunkTokens * kConsumers / kRowGroups) == 0, "whole blocks");
  static_assert(kN % 64 == 0 && kN <= 256, "a wgmma reads whole atoms");
  static_assert(kChunkBytes % 1024 == 0 && kWeightBytes % 128 == 0, "stages begin at whole atoms");
  static_assert(Cluster == 1 || Cluster == 2, "a block alone, or two that load in turn");
  static_assert(kLag >= 1, "at least one stage on its way");
  static_assert(kSharedBytes <= 227 * 1024, "shared memory of a block");
};

using M64N256K64Sm90 = WgmmaTile<64, 256, 4, 5>;
using M64N512K32Sm90 = WgmmaTile<64, 512, 2, 5>;
using M128N256K32Sm90 = WgmmaTile<128, 256, 2, 8>;
using M128N256K64Sm90 = WgmmaTile<128, 256, 4, 4>;
using M64N512K32C2Sm90 = WgmmaTile<64, 512, 2, 5, 2>;
using M128N256K32C2Sm90 = WgmmaTile<128, 256, 2, 8, 2>;
using M128N256K64C2Sm90 = WgmmaTile<128, 256, 4, 4, 2>;

}  // namespace leno::kernels::cuda
