#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "simt/kernels/linear_fixture.h"
#include "simt/kernels/runner.h"

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
  void SetUp() override {
    if (const std::string why = card_refusal(row()); !why.empty()) GTEST_SKIP() << why;
  }
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
  void expect_right(const CudaCase& c, simt::Options options = {}) {
    constexpr int kReduced = 8;
    if (reduced() && cases_++ % kReduced != 0) return;
    const CudaProblem problem(c);
    ASSERT_EQ("", problem.refusal(row())) << c.name();
    EXPECT_EQ("", problem.check(row(), options)) << c.name();
  }

 private:
  int cases_ = 0;
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
      for (int64_t columns : {1, 333, 1100}) {
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
  for (int64_t vector : {0, 16}) {
    for (int64_t tokens : {int64_t(1), most_tokens() - 3}) {
      CudaCase c = base();
      c.vector = vector;
      c.rows = 20;
      c.columns = 16000;
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

// Memory is asked for what must be moved and no more: weights, their indices, the columns of X that any group keeps,
// and y. And each tile of weights is loaded by one block: the sectors of all accesses are those of the tiles, 2 of
// indices a k-step and block (4 of e4m3), at most one a value of X, and those of the write-back.
TEST_P(LinearSkinny, TrafficIsTheLeastAndNoBankIsMetTwice) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (int64_t tokens : {int64_t(1), most_tokens()}) {
    for (Layout layout : {Layout::feature_major, Layout::token_major}) {
      for (int multiprocessors : {2, 132}) {
        CudaCase c = base();
        c.rows = 512;
        c.columns = 1024;
        c.tokens = tokens;
        c.layout = layout;
        c.multiprocessors = multiprocessors;
        const CudaProblem problem(c);
        const auto prepared = row().format->prepare(problem.packed());
        const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
        simt::Options options;
        options.distinct_sectors = true;
        simt::Counters counters;
        ASSERT_EQ("", problem.check(row(), options, &counters)) << c.name();
        EXPECT_EQ(0u, counters.conflicts()) << c.name();

        const double x = double(c.columns * tokens * 2), y = double(c.rows * tokens * 2);
        const double loaded = 32. * double(counters.distinct_load_sectors);
        EXPECT_LT(loaded, 1.05 * (double(w.bytes()) + x)) << c.name();
        EXPECT_LT(32. * double(counters.distinct_store_sectors), 1.05 * y + 32) << c.name();

        // 16-row tiles of weights, and how many of them a block does: more where multiprocessors are few.
        const int64_t tiles = int64_t(w.starts.back()) * (w.group_rows / 16);
        const int64_t slab = multiprocessors == 132 ? 1 : row().weights == DType::e4m3 ? 2 : 4;
        // Where a value of X has a sector of its own.
        const int64_t gathers = tiles / slab * (w.step / 8 + w.step * tokens);
        const int64_t writeback = 6 * c.rows * tokens;
        EXPECT_LE(int64_t(counters.global_loads.sectors), tiles * 16 + gathers + writeback) << c.name();
        std::printf(
            "%s N %d %s, %d multiprocessors: load %.3f of the least, %.2f with what caches serve; store %.3f; "
            "%llu products\n",
            row().name, int(tokens), layout == Layout::token_major ? "token-major" : "feature-major", multiprocessors,
            loaded / (double(w.bytes()) + x), 32. * double(counters.global_loads.sectors) / (double(w.bytes()) + x),
            32. * double(counters.distinct_store_sectors) / y,
            static_cast<unsigned long long>(counters.mma_m16n8k16 + counters.mma_m16n8k8 / 2));
      }
    }
  }
}

TEST_P(LinearSkinny, TakesFloats) {
  for (int i = 0; i < 24; ++i) {
    CudaCase c = base();
    c.io = DType::f32;
    if (row().weights == DType::e4m3 && base().io == DType::f16) {
      EXPECT_NE(std::string::npos, CudaProblem(c).refusal(row()).find("f16")) << row().name;
      return;
    }
    c.vector = std::array<int64_t, 4>{0, 16, 32, 64}[size_t(i % 4)];
    c.rows = 20 + 13 * i;
    c.columns = i % 5 == 0 ? 6000 : 90 + 7 * i;
    c.tokens = 1 + i % most_tokens();
    c.layout = i & 1 ? Layout::token_major : Layout::feature_major;
    c.bias = i & 2;
    c.residual = i & 4;
    c.residual_is_y = i & 8;
    c.beta = i % 3 ? .5f : 1.f;
    c.activation = i % 4 == 3 ? Activation::gelu_erf : i % 4 == 1 ? Activation::relu : Activation::none;
    c.padding = i % 3;
    c.misalign = i % 2;
    c.integers = i >= 20;
    c.multiprocessors = i % 5 == 0 ? 132 : 4;
    c.seed = uint32_t(i);
    simt::Options options;
    options.seed = uint64_t(i);
    options.preempt = i % 4 == 0 ? .02 : 0;
    expect_right(c, options);
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
