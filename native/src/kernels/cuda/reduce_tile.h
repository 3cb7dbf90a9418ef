#pragma once

// What a block of linear_reduce.h does. For host and card.
namespace leno::kernels::cuda {

// A warp does one slab of 16 packed rows x kTokens tokens.
struct ReduceTile {
  static constexpr int kTiles = 8, kTokens = 8 * kTiles, kWarps = 4, kThreads = 32 * kWarps;
  static constexpr int kStagingBytes = 16 * (kTokens + 8) * 4;
  static constexpr int kSharedBytes = kWarps * kStagingBytes;
};

}  // namespace leno::kernels::cuda
