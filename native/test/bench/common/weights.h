#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pack/packed_weights.h"
#include "pattern/pattern.h"

namespace leno_bench {

// Every group of V rows, in a random order of the rows, keeps the same number of random columns.
leno::Pattern random_pattern(int64_t rows, int64_t columns, double sparsity, int64_t vector);

std::vector<float> random_values(int64_t count, uint32_t seed);

// One weight matrix, packed for us, and as plain numbers for everybody else.
struct Weights {
  std::shared_ptr<const leno::PackedWeights> packed;
  double sparsity = 0;       // as asked for; 0: dense
  std::vector<float> dense;  // M x K, what the packed weights stand for, zero where dropped
};

// With a random pattern; dense where the sparsity is 0. Groups of a warp-skip pattern keep as many columns as one
// threshold for the whole matrix gives them.
Weights make_weights(int64_t rows, int64_t columns, double sparsity, int64_t vector, leno::DType dtype,
                     leno::PatternFamily family = leno::PatternFamily::shfl_bw);

}  // namespace leno_bench
