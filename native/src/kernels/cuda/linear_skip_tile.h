#pragma once

#include <cstdint>

// Tiles of the warp-skip kernels for the CUDA cores. For host and card.
namespace leno::kernels::cuda {

// Rows that a warp owns: a warp unit. Higher units are several of them that keep the same columns.
constexpr int kSkipRows = 8;
// Columns of a stage, of those that any row of the tile keeps.
constexpr int kSkipColumns = 16;

// What a block has to know of a stage: 64 + 8 Warps bytes, one after the other in memory.
template <int Warps>
struct SkipStage {
  int32_t columns[kSkipColumns];  // of X; -1 behind the tile's last
  uint32_t masks[Warps];          // bit c: the warp keeps column c
  uint32_t starts[Warps];         // first of the warp's kept columns in the values, each kSkipRows values
};

// kM packed rows x kN tokens, a warp for each kSkipRows rows. A lane has all rows of its warp and runs of 4 tokens, one
// in every 128.
template <int M, int N, int Stages, int Blocks>
struct SkipTile {
  static constexpr int kM = M, kN = N, kK = kSkipColumns, kStages = Stages, kBlocks = Blocks;
  static constexpr int kWarps = M / kSkipRows, kThreads = 32 * kWarps;
  static constexpr int kRuns = N / 128;  // of a lane

  using Stage = SkipStage<kWarps>;
  static constexpr int kMasksAt = kK * 4, kStartsAt = kMasksAt + 4 * kWarps;
  static constexpr int kStageInfoBytes = sizeof(Stage);
  static constexpr int kWarpWeightBytes = kK * kSkipRows * 4;
  static constexpr int kWeightBytes = kWarps * kWarpWeightBytes, kXBytes = kK * kN * 4;
  static constexpr int kStageBytes = kWeightBytes + kXBytes;

  // Stages in flight; what is known of them travels as far ahead again.
  static constexpr int kAhead = kStages - 1, kInfos = 2 * kAhead + 1;
  static constexpr int kInfoAt = kStages * kStageBytes;
  static constexpr int kSharedBytes = kInfoAt + kInfos * kStageInfoBytes;

  // Copies of 16 bytes.
  static constexpr int kChunks = kN / 4, kRowsAtOnce = kThreads / kChunks, kCopies = kK / kRowsAtOnce;
  static_assert(kK * kRowsAtOnce > 0 && kK % kRowsAtOnce == 0, "all threads copy the same number of chunks of X");
  static_assert(kWarpWeightBytes == 32 * 16, "a lane copies one chunk of its warp's weights");
  static_assert(kStageInfoBytes % 16 == 0 && kStageInfoBytes / 16 <= kThreads);
  static_assert(N % 128 == 0);
};

// Where weights are read as often as X, the wider tile halves that; the narrower has more blocks.
using SkipM64N256 = SkipTile<64, 256, 3, 2>;
using SkipM64N128 = SkipTile<64, 128, 4, 2>;
using SkipM64N256Sm75 = SkipTile<64, 256, 2, 1>;
using SkipM64N128Sm75 = SkipTile<64, 128, 2, 2>;

}  // namespace leno::kernels::cuda
