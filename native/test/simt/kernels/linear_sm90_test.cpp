#include <gtest/gtest.h>

#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_table.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm90;

// Every other case with more tokens than a tile has, so that pairs of blocks share weights, the last ones half empty.
std::vector<CudaCase> with_many_tokens(std::vector<CudaCase> cases) {
  constexpr int64_t kMany[] = {257, 513, 512, 300, 1025, 769, 640};
  for (size_t i = 0; i < cases.size(); i += 2) {
    cases[i].tokens = kMany[i / 2 % std::size(kMany)];
    if (cases[i].multiprocessors == 1) cases[i].multiprocessors = 2;
  }
  return cases;
}

class LinearSm90 : public testing::TestWithParam<DType> {
 protected:
  void run(const std::vector<CudaCase>& cases) { expect_table(rows_of(linear_rows_sm90(), GetParam()), cases); }
};

TEST_P(LinearSm90, AgreesWithTheFormula) { run(with_many_tokens(ragged_cases(GetParam(), 90, 40, 1))); }
TEST_P(LinearSm90, IsExactOnSmallIntegers) { run(with_many_tokens(exact_cases(GetParam(), 90, 24, 2))); }
TEST_P(LinearSm90, TakesFloats) { run(with_many_tokens(float_cases(GetParam(), 90, 36, 3))); }

// A row that was chosen for many tokens gets few too: the second block of every pair has none.
TEST_P(LinearSm90, PairsTakeFewTokens) {
  if (const std::string why = card_refusal(*rows_of(linear_rows_sm90(), GetParam())[0]); !why.empty())
    GTEST_SKIP() << why;
  uint64_t seed = 0;
  for (CudaCase c : exact_cases(GetParam(), 90, 12, 3)) {
    const CudaProblem problem(c);
    for (const Row* row : rows_of(linear_rows_sm90(), GetParam())) {
      if (row->idle_tokens < c.tokens || !problem.refusal(*row).empty()) continue;
      simt::Options options;
      options.seed = ++seed;
      options.preempt = seed % 3 == 0 ? .02 : 0;
      ASSERT_EQ("", problem.check(*row, options)) << row->name << " " << c.name();
    }
  }
  EXPECT_GT(seed, 6u);
}

TEST_P(LinearSm90, PairsRefuseWhatTheyCannotShare) {
  CudaCase c;
  c.weights = c.io = GetParam();
  c.arch = 90;
  c.tokens = 4096;
  c.multiprocessors = 1;
  for (const Row* row : rows_of(linear_rows_sm90(), GetParam())) {
    const bool pairs = std::string(row->name).find("c2_sm90") != std::string::npos;
    const kernels::WeightsKind kind{GetParam(), std::string(row->name).find("dense") != std::string::npos, 64};
    kernels::LinearSpec spec;
    spec.rows = spec.columns = 256;
    spec.io = GetParam();
    EXPECT_EQ(row->refuse(card_of(90, 1), kind, spec, 4096),
              pairs ? "takes clusters of 2 multiprocessors, the card has 1" : "");
    EXPECT_EQ(row->refuse(card_of(90, 2), kind, spec, 4096), "");
    EXPECT_EQ(row->refuse(card_of(90, 2), kind, spec, 1), "") << "few tokens run, and gain nothing";
    EXPECT_EQ(row->idle_tokens > 0, pairs);
  }
}

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
