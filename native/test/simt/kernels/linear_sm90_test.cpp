#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_table.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm90;

class LinearSm90 : public testing::TestWithParam<DType> {
 protected:
  void run(const std::vector<CudaCase>& cases) {
    std::map<const Row*, int> ran;
    const std::vector<const Row*> rows = rows_of(linear_rows_sm90(), GetParam());
    ASSERT_FALSE(rows.empty());
    EXPECT_EQ("", run_table(rows, cases, ran));
    for (const Row* row : rows) EXPECT_GT(ran[row], 0) << row->name << " took no case";
  }
};

TEST_P(LinearSm90, AgreesWithTheFormula) { run(ragged_cases(GetParam(), 90, 40, 1)); }
TEST_P(LinearSm90, IsExactOnSmallIntegers) { run(exact_cases(GetParam(), 90, 24, 2)); }
TEST_P(LinearSm90, TakesFloats) { run(float_cases(GetParam(), 90, 36, 3)); }

// X does not fit the L2: the groups go through its tokens slab by slab, the last one narrower.
TEST_P(LinearSm90, GoesThroughTokensInSlabs) {
  CudaCase c;
  c.weights = c.io = GetParam();
  c.arch = 90;
  c.rows = 200;
  c.columns = 40;
  c.tokens = 1300;
  c.integers = true;
  c.multiprocessors = 5;
  c.l2_bytes = 2 * 2 * 512 * 40 * 2;
  std::vector<CudaCase> cases;
  for (const int64_t vector : {16, 128, 0}) {
    c.vector = vector;
    cases.push_back(c);
  }
  run(cases);
}

std::string type_name(const testing::TestParamInfo<DType>& info) { return name_of(info.param); }
INSTANTIATE_TEST_SUITE_P(Types, LinearSm90, testing::Values(DType::bf16, DType::f16), type_name);

}  // namespace
