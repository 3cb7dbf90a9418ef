#pragma once

#include "kernels/cuda/linear_weights.h"
#include "pattern/pattern.h"

// What a pattern promises to the warp-skip kernels, whose blocks have 64 packed rows, to hold the emulator's counts
// against.
namespace leno_test {

// Which weights are kept, of packed rows.
struct SkipMask {
  int64_t rows = 0, columns = 0;
  std::vector<uint8_t> kept;

  explicit SkipMask(const leno::Pattern& pattern);
  // Of groups of a convolution, one below the other, each with columns of its own.
  explicit SkipMask(const std::vector<leno::Pattern>& patterns);
};

struct SkipPromise {
  double units = 0;   // columns kept by the units, summed
  double steps = 0;   // of 16 of them, taken in order
  double tiles = 0;   // columns kept by any of a tile's rows, summed over tiles
  double stages = 0;  // of so many such columns
  double blocks = 0;
};

// height: of a unit, rows that skip together; stage: columns that a block loads at a time, of which four stages are at
// hand (which the steps depend on).
SkipPromise skip_promise(const SkipMask& mask, int64_t height, int64_t stage);

// k-steps of all units, as the layouts for tensor cores store them. units: of a tile.
double stored_skip_steps(const leno::kernels::cuda::LinearWeights& weights, int64_t units);

}  // namespace leno_test
