#include <gtest/gtest.h>

#include <cstdio>

#include "core/error.h"
#include "simt/kernels/conv_fixture.h"
#include "simt/kernels/runner.h"
#include "simt/kernels/skip_promise.h"

// The warp-skip kernels on images. That they compute the formula is conv_test.cpp's.
namespace {

using namespace leno_test;
using kernels::cuda::conv_kernels;
using kernels::cuda::ConvKernel;
using kernels::cuda::ConvPlanes;

CudaConvCase skip_case(DType type, ImageLayout layout, int64_t vector, double sparsity, int64_t groups) {
  CudaConvCase c;
  auto& s = c.shape;
  s.batch = 3;
  s.groups = groups;
  s.channels = 20;
  s.filters = groups == 1 ? 200 : 128 * groups;
  s.height = 13;
  s.width = 9;
  s.kernel_h = s.kernel_w = 3;
  s.stride_w = 2;
  s.dilation_h = 2;
  s.pad_top = 2;
  s.pad_right = 1;
  c.weights = c.io = type;
  c.layout = layout;
  c.vector = vector;
  c.sparsity = sparsity;
  c.shuffle = false;
  c.multiprocessors = 1;
  return c;
}

SkipMask mask_of(const CudaConvProblem& problem) {
  std::vector<Pattern> patterns;
  for (const auto& part : problem.parts()) patterns.push_back(part->pattern());
  return SkipMask(patterns);
}

// The counts of the product, or what is wrong with the forward or its packing.
std::string run(const CudaConvProblem& problem, const CudaConvCase& c, const ConvKernel& row, int64_t words,
                simt::Counters& product) {
  std::vector<simt::Counters> of;
  const std::string fault = problem.check(row, {}, &of);
  if (!fault.empty()) return fault;
  if (of.size() != 2) return text(of.size(), " launches, expected packing and a product");
  const kernels::ConvSpec spec = problem.spec();
  const double chunks = double(c.shape.channels * ConvPlanes(problem.task(spec)).chunks_of_channel());
  const double packed = 8 * double(size_of(c.weights)) * chunks;
  if (double(of[0].global_stores.bytes) != packed + 4 * double(words)) return "packing stores another number of bytes";
  product = of[1];
  return "";
}

// Of each k-step the columns and the rest are packed or copied, whatever is skipped; of the pattern's promise, exactly
// what it says is loaded and multiplied, as for linear layers.
TEST(ConvSkip, FloatsSkipWhatThePatternPromises) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const int64_t groups : {1, 2}) {
    for (const int64_t vector : {8, 32, 128}) {
      for (const double sparsity : {.5, .9, 2.}) {
        const CudaConvCase c =
            skip_case(DType::f32, vector == 32 ? ImageLayout::nhwc : ImageLayout::nchw, vector, sparsity, groups);
        const CudaConvProblem problem(c);
        const SkipPromise promise = skip_promise(mask_of(problem), 8, 16);
        const kernels::ConvSpec spec = problem.spec();
        const double positions = double(ConvPlanes(problem.task(spec)).positions());
        int ran = 0;
        for (const ConvKernel* row : conv_kernels()) {
          if (row->arch != 80 || !problem.refusal(*row).empty()) continue;
          ++ran;
          const double n = row->tile.n, tiles = double(ceil_div(int64_t(positions), row->tile.n));
          simt::Counters counted;
          ASSERT_EQ("", run(problem, c, *row, int64_t(promise.stages) * 32, counted)) << row->name << " " << c.name();
          // A block's threads read where it begins and which rows it has: 3 and 8 numbers.
          const double headers = tiles * promise.blocks * 256 * 11 * 4, infos = tiles * promise.stages * 128;
          const double weights = tiles * promise.units * 32, x = promise.tiles * positions * 4;
          std::printf("n%.0f groups %d V %3d sparsity %.2f: multiply-adds %8.0f of %8.0f, X %7.0f bytes of %7.0f\n", n,
                      int(groups), int(vector), sparsity, double(counted.float_multiply_adds),
                      tiles * double(c.shape.filters) * 180 / double(groups) * n, x,
                      promise.blocks * 180 / double(groups) * positions * 4);
          EXPECT_EQ(tiles * promise.units * 8 * n, double(counted.float_multiply_adds)) << c.name();
          EXPECT_EQ(headers + infos + weights + x, double(counted.global_loads.bytes)) << c.name();
          EXPECT_EQ(tiles * (promise.stages + promise.blocks), double(counted.barriers)) << c.name();
          EXPECT_EQ(0u, counted.conflicts()) << c.name();
        }
        EXPECT_EQ(2, ran);
      }
    }
  }
}

TEST(ConvSkip, TensorCoresSkipWhatThePatternPromises) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const int64_t vector : {8, 16, 32, 64}) {
    for (const double sparsity : {.5, .9, 2.}) {
      const bool nhwc = sparsity == .9;
      const CudaConvCase c =
          skip_case(DType::f16, nhwc ? ImageLayout::nhwc : ImageLayout::nchw, vector, sparsity, vector == 16 ? 2 : 1);
      const CudaConvProblem problem(c);
      const int64_t unit = std::min<int64_t>(vector, 32);
      const SkipPromise promise = skip_promise(mask_of(problem), unit, 32);
      const kernels::ConvSpec spec = problem.spec();
      const int64_t positions = ConvPlanes(problem.task(spec)).positions();
      const double tiles = double(ceil_div(positions, 128)), slices = double(unit) / 8;
      int ran = 0;
      for (const ConvKernel* row : conv_kernels()) {
        if (row->unit == 0 || !problem.refusal(*row).empty()) continue;
        ++ran;
        simt::Counters counted;
        ASSERT_EQ("", run(problem, c, *row, int64_t(promise.stages) * 44, counted)) << row->name << " " << c.name();
        const double steps = stored_skip_steps(*kernels::cuda::weights_of(*row->format, problem.parts()), 64 / unit);
        EXPECT_GE(16 * steps, promise.units) << c.name();
        EXPECT_LE(steps, 1.02 * promise.steps + 1) << c.name();
        // A block's threads read where it begins, 4 numbers, and which rows they write, 4 in NCHW and 8 in NHWC.
        const double headers = tiles * promise.blocks * 256 * (nhwc ? 12 : 8) * 4;
        const double infos = tiles * promise.stages * 176, weights = tiles * steps * (slices * 256 + 32);
        const double x = promise.tiles * double(positions) * 2;
        std::printf("V %2d sparsity %.2f: mma %5.0f (columns / 16: %5.0f), X %7.0f bytes\n", int(vector), sparsity,
                    double(counted.mma_m16n8k16), tiles * promise.units / 16 * slices * 8, x);
        EXPECT_EQ(tiles * steps * slices * 8, double(counted.mma_m16n8k16)) << c.name();
        EXPECT_EQ(tiles * steps * 8, double(counted.ldmatrix)) << c.name();
        EXPECT_EQ(headers + infos + weights + x, double(counted.global_loads.bytes)) << c.name();
        EXPECT_EQ(tiles * (promise.stages + 3 * promise.blocks), double(counted.barriers)) << c.name();
        EXPECT_EQ(0u, counted.shared_conflicts + counted.async_conflicts) << c.name();
      }
      EXPECT_EQ(1, ran);
    }
  }
}

// A filter for each channel: many groups of rows share a tile, and each row keeps columns that no other has.
TEST(ConvSkip, DepthwiseFiltersShareTiles) {
  CudaConvCase c;
  c.shape.batch = 2;
  c.shape.groups = c.shape.channels = c.shape.filters = 70;
  c.shape.height = c.shape.width = 7;
  c.shape.kernel_h = c.shape.kernel_w = 3;
  c.shape.pad_top = c.shape.pad_left = 1;
  c.weights = c.io = DType::f32;
  c.vector = 0;
  c.integers = true;
  const CudaConvProblem problem(c);
  int ran = 0;
  for (const ConvKernel* row : conv_kernels()) {
    if (!problem.refusal(*row).empty()) continue;
    ++ran;
    EXPECT_EQ("", problem.check(*row)) << row->name;
    EXPECT_EQ(2, kernels::cuda::weights_of(*row->format, problem.parts())->groups) << "tiles of 64 rows";
  }
  EXPECT_GE(ran, 2);
}

// k is split where the card is large, and the parts' sums are what one block's would be.
TEST(ConvSkip, SplitsAddUp) {
  if (on_card() && the_card().arch < 80) GTEST_SKIP() << "the card has no such tensor cores";
  for (const DType type : {DType::f32, DType::f16}) {
    CudaConvCase c;
    c.shape.batch = 1;
    c.shape.channels = 90;
    c.shape.filters = 64;
    c.shape.height = c.shape.width = 5;
    c.shape.kernel_h = c.shape.kernel_w = 3;
    c.weights = c.io = type;
    c.vector = 8;
    c.integers = c.bias = c.residual = true;
    c.multiprocessors = 60;
    for (const ImageLayout layout : {ImageLayout::nchw, ImageLayout::nhwc}) {
      c.layout = layout;
      const CudaConvProblem problem(c);
      int ran = 0;
      for (const ConvKernel* row : conv_kernels()) {
        if (row->format == &kernels::cuda::kFragments || !problem.refusal(*row).empty()) continue;
        ++ran;
        std::vector<simt::Counters> of;
        EXPECT_EQ("", problem.check(*row, {}, &of)) << row->name;
        EXPECT_EQ(3u, of.size()) << row->name;
      }
      EXPECT_GT(ran, 0);
    }
  }
}

// One height of units, one kernel.
TEST(ConvSkip, UnitsAreTheHighestThatGroupsAreWholeOf) {
  if (on_card() && the_card().arch < 80) GTEST_SKIP() << "the card has no such tensor cores";
  for (const auto& [vector, unit] :
       std::vector<std::pair<int64_t, int>>{{8, 8}, {16, 16}, {24, 8}, {32, 32}, {96, 32}}) {
    CudaConvCase c;
    c.vector = vector;
    c.shape.filters = 192;
    c.shape.channels = 2;
    const CudaConvProblem problem(c);
    for (const ConvKernel* row : conv_kernels()) {
      if (row->unit == 0 || row->weights != DType::f16) continue;
      EXPECT_EQ(row->unit == unit, problem.refusal(*row).empty()) << row->name << " V " << vector;
    }
  }
}

}  // namespace
