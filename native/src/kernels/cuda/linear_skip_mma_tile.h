#pragma once

#include <cstdint>

#include "kernels/cuda/tile.h"

// Tiles of the warp-skip kernels for the tensor cores. For host and card.
namespace leno::kernels::cuda {

// What the layout of weights depends on, whatever the unit.
struct SkipMma {
  static constexpr int kM = 64;        // packed rows of a block
  static constexpr int kColumns = 32;  // of a stage, of those that any row of the tile keeps
  static constexpr int kStep = 16;     // columns of a unit that are multiplied together
  static constexpr int kWindow = 4;    // neighbouring stages in which they lie
  static constexpr int kAhead = 2;     // stages that are under way
  static constexpr int kSlots = kWindow + kAhead;
  static constexpr int kPatience = 32;              // columns of a unit that wait for such as share no bank
  static constexpr int kZeros = kSlots * kColumns;  // first of the rows that hold zeros, one of each bank
  static constexpr int kRows = kZeros + 8;
  static constexpr int kMostUnits = kM / 8;
};

// What a block has to know of a stage.
struct SkipMmaStage {
  int32_t columns[SkipMma::kColumns];       // of X; -1 behind the tile's last
  uint32_t steps[SkipMma::kMostUnits + 4];  // per unit its first k-step of all, then the end of the last unit's
};

// A k-step of a unit of Unit rows: weights as the operand B of mma.m16n8k16, then the rows of the ring of X that hold
// the columns. Lane l has, for each 8 rows, columns 2 (l % 4) + {0, 1} and + 8 of row l / 4; of two times 8 rows they
// follow each other.
template <int Unit>
struct SkipMmaStep {
  static constexpr int kSlices = Unit / 8;
  static constexpr int kWeightBytes = kSlices * 256, kBytes = kWeightBytes + 2 * SkipMma::kStep;
  // Two slices lie together, kLaneBytes of each lane.
  static constexpr int kLaneBytes = kSlices == 1 ? 8 : 16, kPairBytes = 32 * kLaneBytes;
};

// X as the other mma.sync kernels gather it: two of 64 rows would have these warps.
struct SkipMmaX {
  static constexpr int kM = 64, kN = 128, kK = SkipMma::kColumns, kWarpsM = 2, kWarpsN = 4, kStages = 3, kBlocks = 2;
};

template <int Unit>
struct SkipMmaTile : SkipMma {
  using Step = SkipMmaStep<Unit>;
  static constexpr int kN = 128, kK = kColumns, kThreads = 256, kBlocks = 2;
  static constexpr int kUnits = kM / Unit, kWarpsN = 8 / kUnits;  // warps along the tokens
  static constexpr int kWarpN = kN / kWarpsN, kTilesN = kWarpN / 16, kSlices = Step::kSlices;

  static constexpr int kRowBytes = kN * 2;
  // A unit has fewer than kPatience columns left over from earlier stages; one k-step may be cut short.
  static constexpr int kMostSteps = (kPatience - 1 + kColumns) / kStep + 1;
  static constexpr int kWeightSlots = kAhead + 1, kWeightBytes = kUnits * kMostSteps * Step::kBytes;
  static constexpr int kInfos = 2 * kAhead + 1, kInfoBytes = sizeof(SkipMmaStage);
  static constexpr int kWeightsAt = kRows * kRowBytes, kInfoAt = kWeightsAt + kWeightSlots * kWeightBytes;
  static constexpr int kSharedBytes = kInfoAt + kInfos * kInfoBytes;

  // Sums are turned through shared memory: a warp writes out 16 rows x 64 tokens.
  static constexpr int kSlabTiles = 8, kSlabBytes = 16 * (8 * kSlabTiles + 8) * 4;
  static_assert(8 * kSlabBytes <= kSharedBytes);
  static_assert(kSharedBytes <= 99 * 1024, "a block of sm_86 and sm_89 has 99 KB");
  static_assert(kInfoBytes % 16 == 0 && Step::kBytes % 16 == 0);
};

}  // namespace leno::kernels::cuda
