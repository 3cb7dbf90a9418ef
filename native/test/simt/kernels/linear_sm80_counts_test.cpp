#include <gtest/gtest.h>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm80;

// Every row is within 5 % of the least traffic and the least products, and meets no bank conflict anywhere.
TEST(LinearSm80Counts, AreCloseToTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  std::map<const Row*, int> ran;
  const std::vector<const Row*> rows = rows_of(linear_rows_sm80(), DType::bf16);
  for (const CudaCase& c : aligned_cases(DType::bf16, 80)) {
    const CudaProblem problem(c);
    for (const Row* row : rows) {
      if (!problem.refusal(*row).empty()) continue;
      EXPECT_EQ("", check_counts(problem, c, *row)) << row->name << " " << c.name();
      ++ran[row];
    }
  }
  for (const Row* row : rows) EXPECT_GT(ran[row], 0) << row->name;
}

}  // namespace
