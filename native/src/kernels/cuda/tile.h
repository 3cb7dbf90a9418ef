#pragma once

#include <cstdint>

// Tiles of the mma.sync kernels: what one block computes, and how its warps share it. For host and card.
namespace leno::kernels::cuda {

// kM packed rows x kN tokens of y; kK kept columns a stage; kWarpsM x kWarpsN warps; kStages stages in flight; kBlocks
// of them share a multiprocessor where its shared memory suffices.
struct M16N128K64 {
  static constexpr const char* kName = "m16n128k64";
  static constexpr int kM = 16, kN = 128, kK = 64, kWarpsM = 1, kWarpsN = 4, kStages = 3, kBlocks = 2;
};
struct M32N128K32 {
  static constexpr const char* kName = "m32n128k32";
  static constexpr int kM = 32, kN = 128, kK = 32, kWarpsM = 1, kWarpsN = 4, kStages = 4, kBlocks = 3;
};
struct M64N64K32 {
  static constexpr const char* kName = "m64n64k32";
  static constexpr int kM = 64, kN = 64, kK = 32, kWarpsM = 2, kWarpsN = 2, kStages = 4, kBlocks = 4;
};
struct M64N128K32 {
  static constexpr const char* kName = "m64n128k32";
  static constexpr int kM = 64, kN = 128, kK = 32, kWarpsM = 2, kWarpsN = 2, kStages = 4, kBlocks = 3;
};
struct M64N256K32 {
  static constexpr const char* kName = "m64n256k32";
  static constexpr int kM = 64, kN = 256, kK = 32, kWarpsM = 1, kWarpsN = 4, kStages = 3, kBlocks = 2;
};
struct M128N128K32 {
  static constexpr const char* kName = "m128n128k32";
  static constexpr int kM = 128, kN = 128, kK = 32, kWarpsM = 2, kWarpsN = 2, kStages = 4, kBlocks = 2;
};
// sm_75 holds a stage in registers beside its sums: half as many of them a warp.
struct M128N128K32Sm75 {
  static constexpr const char* kName = "m128n128k32";
  static constexpr int kM = 128, kN = 128, kK = 32, kWarpsM = 2, kWarpsN = 4, kStages = 3, kBlocks = 1;
};
struct M128N256K32 {
  static constexpr const char* kName = "m128n256k32";
  static constexpr int kM = 128, kN = 256, kK = 32, kWarpsM = 2, kWarpsN = 4, kStages = 3, kBlocks = 1;
};

// Tiles of 8-bit elements.
struct M16N128K64E4M3 {
  static constexpr const char* kName = "m16n128k64";
  static constexpr int kM = 16, kN = 128, kK = 64, kWarpsM = 1, kWarpsN = 4, kStages = 4, kBlocks = 3;
};
struct M64N128K64E4M3 {
  static constexpr const char* kName = "m64n128k64";
  static constexpr int kM = 64, kN = 128, kK = 64, kWarpsM = 2, kWarpsN = 2, kStages = 4, kBlocks = 2;
};
struct M128N128K64E4M3 {
  static constexpr const char* kName = "m128n128k64";
  static constexpr int kM = 128, kN = 128, kK = 64, kWarpsM = 2, kWarpsN = 4, kStages = 4, kBlocks = 1;
};

// What follows from a tile for elements of 2 bytes or 1.
template <class Tile, int Bytes = 2>
struct TileSizes : Tile {
  using Tile::kK, Tile::kM, Tile::kN, Tile::kStages, Tile::kWarpsM, Tile::kWarpsN;
  static constexpr int kThreads = 32 * kWarpsM * kWarpsN;
  static constexpr int kStep = 32 / Bytes;    // columns of a k-step
  static constexpr int kSteps = kK / kStep;   // k-steps of a stage
  static constexpr int kFragments = kM / 16;  // fragment tiles of a k-step
  static constexpr int kWarpM = kM / kWarpsM, kWarpN = kN / kWarpsN;
  static constexpr int kTilesM = kWarpM / 16, kTilesN = kWarpN / 8;  // mma tiles of a warp

  // A stage: weights as fragments, x, and the columns that a later stage gathers.
  static constexpr int kWeightBytes = kM * kK * Bytes, kXBytes = kK * kN * Bytes, kColumnBytes = kK * 4;
  static constexpr int kXAt = kWeightBytes, kColumnsAt = kXAt + kXBytes, kStageBytes = kColumnsAt + kColumnBytes;
  static constexpr int kStagingBytes = 16 * (kWarpN + 8) * 4;  // of a warp, in the epilogue
  static constexpr int kStageTotal = kStages * kStageBytes, kStagingTotal = kStagingBytes * kThreads / 32;
  static constexpr int kSharedBytes = kStageTotal > kStagingTotal ? kStageTotal : kStagingTotal;

  static_assert(kM % (16 * kWarpsM) == 0, "a warp has whole fragment tiles");
  static_assert(kN % (32 * kWarpsN) == 0, "a warp has whole sets of 32 tokens: the epilogue's rows fill all banks");
  static_assert(kK == 32 || kK == 64, "token-major x is swizzled for rows of 64 or 128 bytes");
  static_assert(kStages >= 3, "columns travel one stage ahead of what they gather");
  static_assert(kSharedBytes <= 99 * 1024, "a block of sm_86 and sm_89 has 99 KB");
};

// For sm_75: two stages, whose columns travel in registers.
template <class Tile>
struct TileSizesSm75 : TileSizes<Tile> {
  using Base = TileSizes<Tile>;
  static constexpr int kStages = 2, kHalf = Base::kWeightBytes + Base::kXBytes;
  static constexpr int kSharedBytes = kStages * kHalf > Base::kStagingTotal ? kStages* kHalf : Base::kStagingTotal;
  static constexpr int kWeightCopies = (Base::kWeightBytes / 16 + Base::kThreads - 1) / Base::kThreads;
  static_assert(kSharedBytes <= 64 * 1024, "a block of sm_75 has 64 KB");
};

}  // namespace leno::kernels::cuda
