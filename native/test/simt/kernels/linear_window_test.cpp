#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_table.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_window_sm90;

class LinearWindow : public testing::TestWithParam<DType> {
 protected:
  void run(const std::vector<CudaCase>& cases) {
    const std::vector<const Row*> rows = rows_of(linear_rows_window_sm90(), GetParam());
    ASSERT_EQ(1u, rows.size());
    expect_table(rows, cases, int(cases.size()) / 2 + 1);
  }
};

TEST_P(LinearWindow, AgreesWithTheFormula) { run(ragged_cases(GetParam(), 90, 60, 11)); }
TEST_P(LinearWindow, IsExactOnSmallIntegers) { run(exact_cases(GetParam(), 90, 40, 12)); }
TEST_P(LinearWindow, TakesFloats) { run(float_cases(GetParam(), 90, 24, 13)); }

// The ring of chunks goes round several times, for groups of every height, few and many columns, k in one part and in
// several.
TEST_P(LinearWindow, GoesRoundTheRing) {
  CudaCase c;
  c.weights = c.io = GetParam();
  c.arch = 90;
  c.rows = 140;
  c.columns = 1300;
  c.tokens = 72;
  c.integers = c.bias = c.residual = true;
  std::vector<CudaCase> cases;
  for (const int64_t vector : {16, 32, 64, 128}) {
    for (const double sparsity : {.5, .97}) {
      for (const int multiprocessors : {1, 60}) {
        c.vector = vector;
        c.sparsity = sparsity;
        c.multiprocessors = multiprocessors;
        cases.push_back(c);
      }
    }
  }
  run(cases);
}

// Blocks of a cluster bring X for each other: slices that are no multiple of four, of unequal length, tokens and
// columns that end within a piece, X at any address.
TEST_P(LinearWindow, SharesXInClusters) {
  CudaCase c;
  c.weights = c.io = GetParam();
  c.arch = 90;
  c.columns = 900;
  c.tokens = 133;
  c.integers = c.bias = true;
  std::vector<CudaCase> cases;
  for (const int64_t vector : {16, 32, 64, 128}) {
    for (const int64_t misalign : {0, 1}) {
      c.vector = vector;
      c.rows = vector == 64 ? 1100 : 700;
      c.sparsity = vector == 32 ? .5 : .9;
      c.padding = vector == 16 ? 0 : 3;
      c.misalign = misalign;
      c.multiprocessors = vector == 128 ? 60 : 1;
      c.layout = vector == 32 ? Layout::token_major : Layout::feature_major;
      c.shuffle = vector != 32;
      cases.push_back(c);
    }
  }
  run(cases);
}

std::string type_name(const testing::TestParamInfo<DType>& info) { return name_of(info.param); }
INSTANTIATE_TEST_SUITE_P(Types, LinearWindow, testing::Values(DType::bf16, DType::f16), type_name);

}  // namespace
