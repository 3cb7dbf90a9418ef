#pragma once

#include <cstdint>

// Tiles of the window kernels (linear_window_sm90.h) and the layout of their weights: what packer, plan and kernel
// know.
//
// A slice is kRows packed rows: kRows / N groups of N rows each (V of the pattern, padded). Its weights are k-steps: 16
// columns of every group, each group its own. X comes in chunks of kChunk columns; the newest kReach + 1 of them are
// the window that a k-step may choose from.
namespace leno::kernels::cuda {

struct WindowShape {
  static constexpr int kRows = 256, kTokens = 128;
  static constexpr int kChunk = 64;  // columns
  static constexpr int kReach = 5;   // chunks behind that of a k-step which it may use too
  static constexpr int kChunks = 8;  // of the ring: the window and what is on its way
  static constexpr int kRing = kChunk * kChunks;
  static constexpr int kBanks = 8;      // pieces of 16 bytes across the banks: columns equal modulo 8 conflict
  static constexpr int kZeros = kRing;  // place of the first of kBanks columns of zeros
  static constexpr int kMostGroupRows = 128;
  static constexpr int kThreads = 384;  // two warpgroups multiply, one loads

  // A k-step as it lies in memory: values, as wgmma reads N x 16 K-major matrices without swizzle (cores of 8 rows x 8
  // columns, the two of 8 rows side by side); places of columns in the ring, 16 for every group, uint16
  // [unit of groups][column][group of the unit]; the number of the newest chunk that it uses, int32.
  static constexpr int kValueBytes = kRows * 32;
  static constexpr int step_bytes(int n) { return kValueBytes + kRows / n * 32 + 16; }
  static constexpr int chunk_at(int n) { return step_bytes(n) - 16; }
  // Groups whose fragments are loaded at a time: a lane reads the places of one column in at most 16 bytes, and the
  // lanes of 8 columns together all banks.
  static constexpr int unit(int n) { return kRows / n < 8 ? kRows / n : 8; }
  static constexpr int place(int n, int group, int column) {
    return (group / unit(n) * 16 + column) * unit(n) + group % unit(n);
  }
};

// N: rows of a group, what one wgmma multiplies. Cluster: blocks of as many slices and the same tokens that share what
// they load of X.
template <int N, int Cluster>
struct WindowTile : WindowShape {
  static constexpr int kN = N;
  static constexpr int kCluster = Cluster;
  static constexpr int kGroups = kRows / N;
  static constexpr int kUnit = unit(N);
  static constexpr int kUnits = kGroups / kUnit;
  static constexpr int kStages = 8;  // of the ring of k-steps

  static constexpr int kLoadRegisters = 56;
  static constexpr int kMultiplyRegisters = 224;

  // A column of the ring; 16 bytes more than its tokens take, so that columns lie in different banks.
  static constexpr uint32_t kPitch = kTokens * 2 + 16;
  static constexpr uint32_t kStepBytes = step_bytes(N);
  static constexpr uint32_t kChunkAt = chunk_at(N);  // in a k-step
  static constexpr uint32_t kStageBytes = (kStepBytes + 127) / 128 * 128;
  static constexpr uint32_t kStepsAt = (kRing + kBanks) * kPitch;
  static constexpr uint32_t kXBarriersAt = kStepsAt + kStages * kStageBytes;
  static constexpr uint32_t kStepBarriersAt = kXBarriersAt + kChunks * 16;
  static constexpr uint32_t kSharedBytes = kStepBarriersAt + kStages * 16;

  static_assert(kChunks >= kReach + 2, "a chunk on its way");
  static_assert(32 % Cluster == 0, "each block loads as many columns for all");
  static_assert(kUnits <= 2, "fragments are two sets");
  static_assert(kSharedBytes <= 227 * 1024, "shared memory of a block");
};

}  // namespace leno::kernels::cuda
