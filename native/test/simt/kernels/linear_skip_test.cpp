#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"
#include "simt/kernels/skip_promise.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_skip;

std::vector<const Row*> rows_for(int arch) {
  std::vector<const Row*> rows;
  for (const Row* row : linear_rows_skip()) {
    if (row->arch == arch && row->weights == DType::f32) rows.push_back(row);
  }
  return rows;
}

TEST(LinearSkip, AgreesWithTheFormula) { expect_table(rows_for(80), ragged_cases(DType::f32, 80, 60, 4)); }
TEST(LinearSkip, IsExactOnSmallIntegers) { expect_table(rows_for(80), exact_cases(DType::f32, 80, 30, 5)); }
TEST(LinearSkip, Sm75AgreesWithTheFormula) { expect_table(rows_for(75), ragged_cases(DType::f32, 75, 60, 6)); }
TEST(LinearSkip, Sm75IsExactOnSmallIntegers) { expect_table(rows_for(75), exact_cases(DType::f32, 75, 30, 7)); }
TEST(LinearSkip, Sm75RunsOnLaterCards) { expect_table(rows_for(75), ragged_cases(DType::f32, 90, 12, 8)); }

// Skipped work is the pattern's promise, to the byte and to the multiplication.
TEST(LinearSkip, SkipsWhatThePatternPromises) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const int64_t vector : {8, 32, 128}) {
    for (const double sparsity : {.5, .75, .9, 2.}) {
      CudaCase c;
      c.weights = c.io = DType::f32;
      c.rows = 200;
      c.columns = 300;
      c.tokens = sparsity == .75 ? 260 : 264;  // strides that copies of 16 bytes do not take, and such that they do
      c.vector = vector;
      c.sparsity = sparsity;
      c.shuffle = false;
      c.multiprocessors = 1;
      const CudaProblem problem(c);
      for (const Row* row : rows_for(80)) {
        if (!problem.refusal(*row).empty()) continue;
        const int64_t n = tile_of(*row).n;
        const SkipPromise promise = skip_promise(SkipMask(problem.packed().pattern()), 8, 16);
        const double tiles = double(ceil_div(c.tokens, n));
        simt::Counters counted;
        ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name << " " << c.name();
        const double multiplies = tiles * promise.units * 8 * double(n);
        // A block's threads read where it begins and which rows it has: 3 and 8 numbers.
        const double headers = tiles * promise.blocks * 256 * 11 * 4;
        const double infos = tiles * promise.stages * 128;
        const double weights = tiles * promise.units * 32, x = promise.tiles * double(c.tokens) * 4;
        std::printf(
            "n%d V %3d sparsity %.2f: multiply-adds %9.0f of %9.0f, X %7.0f bytes of %7.0f, shared reads %8.0f bytes\n",
            int(n), int(vector), sparsity, double(counted.float_multiply_adds), tiles * 25 * 300 * 8 * double(n), x,
            4. * 300 * double(c.tokens) * 4, double(counted.shared_load_bytes));
        // A warp reads, of each column that its unit keeps, 8 weights and its tokens; of each stage its mask, twice,
        // where its weights begin, and the columns that it copies.
        const double reads = 32 * (promise.units * (32 + double(n) / 8) + promise.stages * 8 * (12 + double(n) / 16));
        EXPECT_EQ(tiles * reads, double(counted.shared_load_bytes)) << c.name();
        EXPECT_EQ(multiplies, double(counted.float_multiply_adds)) << c.name();
        EXPECT_EQ(headers + infos + weights + x, double(counted.global_loads.bytes)) << c.name();
        EXPECT_EQ(tiles * (promise.stages + promise.blocks), double(counted.barriers));
        EXPECT_EQ(0u, counted.conflicts()) << c.name();
      }
    }
  }
}

}  // namespace
