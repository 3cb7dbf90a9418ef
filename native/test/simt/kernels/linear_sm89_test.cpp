#include <gtest/gtest.h>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm89;

void run(const std::vector<CudaCase>& cases) { expect_table(linear_rows_sm89(), cases); }

TEST(LinearSm89, AgreesWithTheFormula) { run(ragged_cases(DType::e4m3, 89, 60, 7)); }
// Whose quantisation is exact: what is left is rounding of fp32 sums.
TEST(LinearSm89, AgreesOnSmallIntegers) { run(exact_cases(DType::e4m3, 90, 30, 8)); }
TEST(LinearSm89, TakesFloats) { run(float_cases(DType::e4m3, 89, 40, 9)); }

TEST(LinearSm89, MovesAndMultipliesAsToldWithoutConflicts) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const CudaCase& c : aligned_cases(DType::e4m3, 89)) {
    const CudaProblem problem(c);
    for (const Row* row : linear_rows_sm89()) {
      if (!problem.refusal(*row).empty()) continue;
      simt::Counters counted;
      ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name;
      EXPECT_EQ(0u, counted.conflicts()) << row->name << " " << c.name();
      const LeastWork least = least_work(problem.packed(), tile_of(*row), c.tokens, true, 1);
      EXPECT_GE(double(counted.mma_m16n8k32), least.mma) << row->name;
      EXPECT_LE(double(counted.mma_m16n8k32), 1.06 * least.mma) << row->name;
      // Before the product x is quantised, for which it is read twice; before that, token-major x is transposed.
      const double x = double(c.columns * c.tokens), passes = c.layout == Layout::token_major ? 3 : 2;
      const double loads = least.load_bytes + passes * 2 * x;
      const double stores = least.store_bytes + x + 4 * double(c.tokens) + (passes - 2) * 2 * x;
      const double loaded = double(counted.global_loads.sectors) * 32;
      EXPECT_GE(loaded, loads) << row->name << " " << c.name();
      // The write-back loads the scales of tokens and rows once for each of its pieces, from the L1: up to 28 % here,
      // where tiles are short.
      EXPECT_LE(loaded, 1.3 * loads) << row->name << " " << c.name();
      const double stored = double(counted.global_stores.sectors) * 32;  // the scales' sectors in pieces
      EXPECT_GE(stored, stores) << row->name << " " << c.name();
      EXPECT_LE(stored, 1.03 * stores) << row->name << " " << c.name();
    }
  }
}

}  // namespace
