#pragma once

#include "kernels/cuda/linear_params.h"

// Shapes of the kernels for few tokens, for both sides.
//
// A block makes RowTiles x 16 rows of a group for all tokens. Its warps take the group's k-steps in turn; weights go
// from memory straight to the registers of the tensor cores, 16 bytes a lane, once. X is gathered a value a lane: there
// is little of it, and it stays in the caches.
//
// In flight. 4.3 TB/s over 132 multiprocessors are 33 bytes a nanosecond each; at 0.8 us from load to use, 26 KB must
// be under way in each. A lane keeps kSlots k-steps loaded: 16 warps x 32 lanes x kSlots x RowTiles x 16 bytes are 64
// KB, 32 KB where RowTiles is 1.
namespace leno::kernels::cuda {

struct SkinnyParams : LinearParams {
  int32_t x_token_major = 0;
};

// Columns: of a k-step, 16 or (e4m3) 32.
template <int Tokens, int RowTiles, int Columns = 16>
struct SkinnyTile {
  static constexpr int kTokens = Tokens;  // N, padded
  static constexpr int kTokenTiles = Tokens / 8;
  static constexpr int kRowTiles = RowTiles;
  static constexpr int kWarps = 16;
  static constexpr int kThreads = 32 * kWarps;
  // As many as 128 registers hold: of e4m3 a lane has twice the values of X for the same bytes.
  static constexpr int kSlots = RowTiles == 4 || (Columns == 32 && Tokens * RowTiles > 8) ? 2 : 4;
  // Half of the warps lay their sums down at a time.
  static constexpr int kSums = kWarps / 2;
  static constexpr int kSumBytes = RowTiles * kTokenTiles * 512;
  static constexpr int kSharedBytes = kSums * kSumBytes;
  static_assert(Columns == 16 || RowTiles <= 2, "registers");
  static_assert(Tokens % 8 == 0 && kSharedBytes <= 48 * 1024, "no opt-in, so that a block fits anywhere");
};

struct SkinnyReduce {
  static constexpr int kThreads = 256;
  static constexpr int kTokens = 4;  // of a thread
};

}  // namespace leno::kernels::cuda
