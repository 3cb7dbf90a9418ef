#pragma once

#include "simt/kernels/linear_table.h"

// The least that a tiled kernel must move and multiply, to hold the emulator's counts against.
namespace leno_test {

struct TileNumbers {
  int64_t m = 0, n = 0, k = 0;
  int64_t cluster = 1;  // blocks that share what they load of the weights
};
// From a row's name: bf16_linear_shflbw_m64n128k32_sm80, ..._m64n512k32c2_sm90.
TileNumbers tile_of(const Row& row);

// Bytes and multiply-adds of one forward without bias and residual, each block loading its operands once:
//   loads    for each row slice and token tile: the slice's fragments (once for a cluster), x_bytes K_kept bytes a
//            token, and, where columns are gathered, 4 bytes a kept column
//   stores   2 M N
//   mma      M x N x K_kept in whole instructions of 16 x 8 x 16 (two of 16 x 8 x 8 are one)
struct LeastWork {
  double load_bytes = 0, store_bytes = 0, mma = 0;
};
LeastWork least_work(const PackedWeights& packed, const TileNumbers& tile, int64_t tokens, bool gathers,
                     int x_bytes = 2);

// Aligned shapes to count on: sparse, dense, dense token-major.
std::vector<CudaCase> aligned_cases(DType type, int arch);

// Runs the row and says where traffic or products are more than 5 % above the least, or where banks conflict; "" where
// all is well. Prints the counts.
std::string check_counts(const CudaProblem& problem, const CudaCase& c, const Row& row);

}  // namespace leno_test
