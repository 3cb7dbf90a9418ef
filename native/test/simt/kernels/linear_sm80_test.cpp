#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_table.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm80;

class LinearSm80 : public testing::TestWithParam<DType> {
 protected:
  void run(const std::vector<CudaCase>& cases) { expect_table(rows_of(linear_rows_sm80(), GetParam()), cases); }
};

TEST_P(LinearSm80, AgreesWithTheFormula) { run(ragged_cases(GetParam(), 80, 48, 1)); }
TEST_P(LinearSm80, IsExactOnSmallIntegers) { run(exact_cases(GetParam(), 80, 24, 2)); }
TEST_P(LinearSm80, RunsOnCardsWithLessSharedMemory) { run(ragged_cases(GetParam(), 86, 20, 3)); }
TEST_P(LinearSm80, TakesFloats) { run(float_cases(GetParam(), 80, 36, 4)); }

std::string type_name(const testing::TestParamInfo<DType>& info) { return name_of(info.param); }
INSTANTIATE_TEST_SUITE_P(Types, LinearSm80, testing::Values(DType::bf16, DType::f16), type_name);

}  // namespace
