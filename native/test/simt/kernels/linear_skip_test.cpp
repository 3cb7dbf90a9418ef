#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cuda/linear_rows.h"
#include "pattern/pattern.h"
#include "simt/kernels/linear_counts.h"

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

// What a pattern promises to a kernel with tiles of 64 rows x so many tokens and warps of 8 rows.
struct Promise {
  double units = 0;   // columns kept by each 8 rows, summed
  double tiles = 0;   // columns kept by any of a tile's rows, summed over tiles
  double stages = 0;  // of 16 such columns
  double blocks = 0, token_tiles = 0;
};

Promise promise_of(const PackedWeights& packed, int64_t tokens, int64_t tile_tokens) {
  const Pattern p = packed.pattern();
  std::vector<uint8_t> mask(size_t(p.rows * p.columns));
  write_mask(p, mask.data());
  Promise promise;
  for (int64_t tile = 0; tile < p.rows; tile += 64) {
    int64_t of_tile = 0;
    for (int64_t c = 0; c < p.columns; ++c) {
      bool any = false;
      for (int64_t unit = tile; unit < std::min(tile + 64, p.rows); unit += 8) {
        bool kept = false;
        for (int64_t r = unit; r < std::min(unit + 8, p.rows); ++r) kept |= mask[size_t(r * p.columns + c)] != 0;
        promise.units += kept;
        any |= kept;
      }
      of_tile += any;
    }
    promise.tiles += double(of_tile);
    promise.stages += double(ceil_div(of_tile, 16));
    promise.blocks += 1;
  }
  promise.token_tiles = double(ceil_div(tokens, tile_tokens));
  return promise;
}

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
        const Promise promise = promise_of(problem.packed(), c.tokens, n);
        simt::Counters counted;
        ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name << " " << c.name();
        const double multiplies = promise.token_tiles * promise.units * 8 * double(n);
        // A block's threads read where it begins and which rows it has: 3 and 8 numbers.
        const double headers = promise.token_tiles * promise.blocks * 256 * 11 * 4;
        const double infos = promise.token_tiles * promise.stages * 128;
        const double weights = promise.token_tiles * promise.units * 32, x = promise.tiles * double(c.tokens) * 4;
        std::printf(
            "n%d V %3d sparsity %.2f: multiply-adds %9.0f of %9.0f, X %7.0f bytes of %7.0f, shared reads %8.0f bytes\n",
            int(n), int(vector), sparsity, double(counted.float_multiply_adds),
            promise.token_tiles * 25 * 300 * 8 * double(n), x, 4. * 300 * double(c.tokens) * 4,
            double(counted.shared_load_bytes));
        // A warp reads, of each column that its unit keeps, 8 weights and its tokens; of each stage its mask, twice,
        // where its weights begin, and the columns that it copies.
        const double reads = 32 * (promise.units * (32 + double(n) / 8) + promise.stages * 8 * (12 + double(n) / 16));
        EXPECT_EQ(promise.token_tiles * reads, double(counted.shared_load_bytes)) << c.name();
        EXPECT_EQ(multiplies, double(counted.float_multiply_adds)) << c.name();
        EXPECT_EQ(headers + infos + weights + x, double(counted.global_loads.bytes)) << c.name();
        EXPECT_EQ(promise.token_tiles * (promise.stages + promise.blocks), double(counted.barriers));
        EXPECT_EQ(0u, counted.conflicts()) << c.name();
      }
    }
  }
}

}  // namespace
