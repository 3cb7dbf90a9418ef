#include <gtest/gtest.h>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm75;

void run(const std::vector<CudaCase>& cases) { expect_table(linear_rows_sm75(), cases); }

TEST(LinearSm75, AgreesWithTheFormula) { run(ragged_cases(DType::f16, 75, 60, 4)); }
TEST(LinearSm75, IsExactOnSmallIntegers) { run(exact_cases(DType::f16, 75, 30, 5)); }
TEST(LinearSm75, TakesFloats) { run(float_cases(DType::f16, 75, 36, 7)); }
TEST(LinearSm75, RunsOnLaterCards) { run(ragged_cases(DType::f16, 89, 20, 6)); }

TEST(LinearSm75, CountsAreCloseToTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const CudaCase& c : aligned_cases(DType::f16, 75)) {
    const CudaProblem problem(c);
    for (const Row* row : linear_rows_sm75()) {
      if (!problem.refusal(*row).empty()) continue;
      EXPECT_EQ("", check_counts(problem, c, *row)) << row->name << " " << c.name();
    }
  }
}

}  // namespace
