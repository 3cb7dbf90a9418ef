#include <gtest/gtest.h>

#include <cstring>

#include "simt/kernels/linear_fixture.h"

namespace {

using namespace leno_test;
using kernels::cuda::LinearKernel;

std::vector<const LinearKernel*> skinny_rows() {
  std::vector<const LinearKernel*> rows;
  for (const LinearKernel* row : kernels::cuda::linear_kernels()) {
    if (std::strstr(row->name, "_skinny_") != nullptr) rows.push_back(row);
  }
  return rows;
}

class LinearSkinny : public testing::TestWithParam<const LinearKernel*> {
 protected:
  const LinearKernel& row() const { return *GetParam(); }
  int64_t most_tokens() const { return std::strstr(row().name, "_n8_") != nullptr ? 8 : 16; }
  CudaCase base() const {
    CudaCase c;
    c.weights = row().weights;
    c.io = std::strstr(row().name, "bf16") != nullptr ? DType::bf16 : DType::f16;
    c.quantised_x = false;
    c.arch = row().arch;
    return c;
  }
  void expect_right(const CudaCase& c, simt::Options options = {}) const {
    const CudaProblem problem(c);
    ASSERT_EQ("", problem.refusal(row())) << c.name();
    EXPECT_EQ("", problem.check(row(), options)) << c.name();
  }
};

TEST_P(LinearSkinny, EveryCountOfTokens) {
  for (int64_t tokens = 1; tokens <= most_tokens(); ++tokens) {
    for (Layout layout : {Layout::feature_major, Layout::token_major}) {
      CudaCase c = base();
      c.rows = 100;
      c.columns = 150;
      c.tokens = tokens;
      c.layout = layout;
      c.bias = true;
      c.seed = uint32_t(tokens);
      expect_right(c);
    }
  }
}

TEST_P(LinearSkinny, EveryShape) {
  for (int64_t vector : {0, 4, 8, 16, 32, 64, 128}) {
    for (int64_t rows : {1, 17, 64, 300}) {
      for (int64_t columns : {1, 16, 333, 1100}) {
        CudaCase c = base();
        c.vector = vector;
        c.rows = rows;
        c.columns = columns;
        c.tokens = 1 + (rows + columns + vector) % most_tokens();
        c.sparsity = columns == 333 ? .5 : .75;
        c.layout = (rows + vector / 8) % 2 ? Layout::token_major : Layout::feature_major;
        c.padding = columns % 3;
        c.misalign = rows % 3;
        c.seed = uint32_t(rows * 7 + columns + vector);
        expect_right(c);
      }
    }
  }
}

TEST_P(LinearSkinny, EveryEpilogue) {
  for (Activation a :
       {Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::silu}) {
    for (int i = 0; i < 8; ++i) {
      CudaCase c = base();
      c.rows = 72;
      c.columns = 200;
      c.tokens = 5;
      c.activation = a;
      c.layout = i & 1 ? Layout::token_major : Layout::feature_major;
      c.bias = i & 2;
      c.residual = i & 4;
      c.residual_is_y = i & 2;
      c.beta = i == 7 ? 0.f : i & 1 ? 1.f : -.5f;
      c.padding = 3;
      c.seed = uint32_t(i);
      expect_right(c);
    }
  }
}

TEST_P(LinearSkinny, ExactWithSmallIntegersUnderEverySchedule) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    CudaCase c = base();
    c.rows = 130;
    c.columns = 900;
    c.tokens = most_tokens() - 1;
    c.integers = true;
    c.layout = seed % 2 ? Layout::token_major : Layout::feature_major;
    c.seed = uint32_t(seed);
    c.multiprocessors = seed % 3 ? 4 : 200;
    simt::Options options;
    options.seed = seed;
    options.preempt = .02;
    expect_right(c, options);
  }
}

// Few rows, many columns and many multiprocessors: the sums of several blocks meet in the workspace.
TEST_P(LinearSkinny, SplitsKWhereItsBlocksWouldNotFillTheCard) {
  for (int64_t vector : {0, 16, 64}) {
    for (int64_t tokens : {int64_t(1), most_tokens() - 3, most_tokens()}) {
      CudaCase c = base();
      c.vector = vector;
      c.rows = 40;
      c.columns = 8000;
      c.tokens = tokens;
      c.layout = tokens == 1 ? Layout::token_major : Layout::feature_major;
      c.residual = c.bias = true;
      c.activation = Activation::silu;
      c.multiprocessors = 132;
      const CudaProblem problem(c);
      const auto prepared = row().format->prepare(problem.packed());
      const auto& weights = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
      EXPECT_GT(row().workspace_bytes(weights, problem.spec(), tokens, card_of(c.arch, c.multiprocessors)), 0);
      expect_right(c);
    }
  }
}

TEST_P(LinearSkinny, WeightsThatKeepNothing) {
  for (double sparsity : {1., 2.}) {
    CudaCase c = base();
    c.rows = 80;
    c.columns = 40;
    c.tokens = 3;
    c.sparsity = sparsity;
    c.bias = c.residual = true;
    expect_right(c);
  }
}

TEST_P(LinearSkinny, RefusesMoreTokensThanItIsMadeFor) {
  CudaCase c = base();
  c.tokens = most_tokens() + 1;
  EXPECT_NE(std::string::npos, CudaProblem(c).refusal(row()).find("tokens")) << row().name;
}

INSTANTIATE_TEST_SUITE_P(Rows, LinearSkinny, testing::ValuesIn(skinny_rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
