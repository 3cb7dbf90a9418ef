#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_table.h"
#include "simt/kernels/skip_promise.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_skip_mma;

void run(DType type, const std::vector<CudaCase>& cases) { expect_table(rows_of(linear_rows_skip_mma(), type), cases); }

TEST(LinearSkipMma, Bf16AgreesWithTheFormula) { run(DType::bf16, ragged_cases(DType::bf16, 80, 60, 14)); }
TEST(LinearSkipMma, F16AgreesWithTheFormula) { run(DType::f16, ragged_cases(DType::f16, 80, 60, 15)); }
TEST(LinearSkipMma, Bf16IsExactOnSmallIntegers) { run(DType::bf16, exact_cases(DType::bf16, 80, 40, 16)); }
TEST(LinearSkipMma, F16IsExactOnSmallIntegers) { run(DType::f16, exact_cases(DType::f16, 80, 40, 17)); }
TEST(LinearSkipMma, TakesFloats) { run(DType::bf16, float_cases(DType::bf16, 80, 36, 18)); }
TEST(LinearSkipMma, RunsOnLaterCards) { run(DType::f16, ragged_cases(DType::f16, 90, 36, 19)); }

// Enough columns that k is split, and the steps of a part reach back into the one before.
TEST(LinearSkipMma, SplitsReachBack) {
  std::vector<CudaCase> cases;
  for (const int64_t vector : {8, 16, 32}) {
    CudaCase& c = cases.emplace_back();
    c.rows = 64;
    c.columns = 1500;
    c.tokens = 40;
    c.vector = vector;
    c.sparsity = .9;
    c.shuffle = false;
    c.integers = true;
    c.multiprocessors = 60;
  }
  run(DType::bf16, cases);
}

// Skipped work is the pattern's promise, to the byte and to the matrix instruction.
TEST(LinearSkipMma, SkipsWhatThePatternPromises) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  for (const int64_t vector : {8, 16, 32, 64}) {
    for (const double sparsity : {.5, .75, .9, 2.}) {
      CudaCase c;
      c.weights = c.io = DType::f16;
      c.rows = 200;
      c.columns = 500;
      c.tokens = sparsity == .75 ? 132 : 136;  // strides that copies of 16 bytes do not take, and such that they do
      c.vector = vector;
      c.sparsity = sparsity;
      c.shuffle = false;
      c.multiprocessors = 1;
      const CudaProblem problem(c);
      const int64_t unit = std::min<int64_t>(vector, 32);
      const SkipPromise promise = skip_promise(SkipMask(problem.packed().pattern()), unit, 32);
      int ran = 0;
      for (const Row* row : linear_rows_skip_mma()) {
        if (!problem.refusal(*row).empty()) continue;
        ++ran;
        simt::Counters counted;
        ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name << " " << c.name();
        const double slices = double(unit) / 8, tiles = double(ceil_div(c.tokens, 128));
        const auto prepared = row->format->prepare(problem.packed());
        const double steps = stored_skip_steps(static_cast<const kernels::cuda::LinearWeights&>(*prepared), 64 / unit);
        EXPECT_GE(16 * steps, promise.units) << c.name();
        EXPECT_LE(steps, 1.02 * promise.steps) << c.name();
        // A block's threads read where it begins and which rows it has: 4 numbers each way.
        const double headers = tiles * promise.blocks * 256 * 8 * 4;
        const double infos = tiles * promise.stages * 176, weights = tiles * steps * (slices * 256 + 32);
        const double x = promise.tiles * double(c.tokens) * 2;
        std::printf(
            "V %2d sparsity %.2f: mma %6.0f (columns / 16: %6.0f; dense %6.0f), X %6.0f bytes of %6.0f, "
            "ldmatrix wavefronts %6.0f + conflicts %6.0f\n",
            int(vector), sparsity, double(counted.mma_m16n8k16), tiles * promise.units / 16 * slices * 8,
            tiles * 25 * 500 / 16 * 8, x, 4. * 500 * double(c.tokens) * 2, double(counted.ldmatrix_wavefronts),
            double(counted.ldmatrix_conflicts));
        EXPECT_EQ(tiles * steps * slices * 8, double(counted.mma_m16n8k16)) << c.name();
        EXPECT_EQ(tiles * steps * 8, double(counted.ldmatrix)) << c.name();
        EXPECT_EQ(headers + infos + weights + x, double(counted.global_loads.bytes)) << c.name();
        EXPECT_EQ(tiles * (promise.stages + 3 * promise.blocks), double(counted.barriers));
        EXPECT_EQ(0u, counted.shared_conflicts + counted.async_conflicts) << c.name();
      }
      EXPECT_EQ(1, ran);
    }
  }
}

}  // namespace
