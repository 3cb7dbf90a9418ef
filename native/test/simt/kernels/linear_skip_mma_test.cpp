#include <gtest/gtest.h>

#include <cstdio>
#include <deque>

#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "pattern/pattern.h"
#include "simt/kernels/linear_table.h"

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

// What a pattern promises to a kernel with tiles of 64 rows x 128 tokens, stages of 32 columns, and k-steps of 16
// columns that lie in 4 neighbouring stages.
struct Promise {
  double columns = 0;  // kept by the units
  double steps = 0;    // of 16 of them, taken in order
  double tiles = 0;    // columns kept by any of a tile's rows, summed over tiles
  double stages = 0, blocks = 0, token_tiles = 0;
};

// Steps of a unit that keeps the columns numbered so among its tile's, if those that come first are taken first.
int64_t steps_of(const std::vector<int64_t>& kept, int64_t stages) {
  std::deque<int64_t> waiting;  // their stages
  int64_t steps = 0;
  size_t next = 0;
  for (int64_t stage = 0; stage < stages; ++stage) {
    for (; next < kept.size() && kept[next] / 32 == stage; ++next) waiting.push_back(stage);
    for (; waiting.size() >= 16; ++steps) waiting.erase(waiting.begin(), waiting.begin() + 16);
    if (!waiting.empty() && (stage + 1 == stages || stage - waiting.front() == 3)) {
      ++steps;
      waiting.clear();
    }
  }
  return steps;
}

Promise promise_of(const PackedWeights& packed, int64_t height, int64_t tokens) {
  const Pattern p = packed.pattern();
  std::vector<uint8_t> mask(size_t(p.rows * p.columns));
  write_mask(p, mask.data());
  Promise promise;
  for (int64_t tile = 0; tile < p.rows; tile += 64) {
    const int64_t end = std::min(tile + 64, p.rows);
    std::vector<std::vector<int64_t>> units(size_t(ceil_div(end - tile, height)));
    int64_t columns = 0;
    for (int64_t c = 0; c < p.columns; ++c) {
      bool any = false;
      for (int64_t r = tile; r < end; r += height) {
        if (mask[size_t(r * p.columns + c)] == 0) continue;
        units[size_t((r - tile) / height)].push_back(columns);
        any = true;
      }
      columns += any;
    }
    const int64_t stages = ceil_div(columns, 32);
    for (const auto& unit : units) {
      promise.columns += double(unit.size());
      promise.steps += double(steps_of(unit, stages));
    }
    promise.tiles += double(columns);
    promise.stages += double(stages);
    promise.blocks += 1;
  }
  promise.token_tiles = double(ceil_div(tokens, 128));
  return promise;
}

// k-steps of all units, as they are stored.
double stored_steps(const Row& row, const PackedWeights& packed, int64_t units) {
  const auto prepared = row.format->prepare(packed);
  const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
  if (w.starts.back() == 0) return 0;
  const auto* stages = reinterpret_cast<const kernels::cuda::SkipMmaStage*>(w.image.data() + w.columns_at);
  return stages[w.starts.back() - 1].steps[units];
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
      const Promise promise = promise_of(problem.packed(), unit, c.tokens);
      int ran = 0;
      for (const Row* row : linear_rows_skip_mma()) {
        if (!problem.refusal(*row).empty()) continue;
        ++ran;
        simt::Counters counted;
        ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name << " " << c.name();
        const double slices = double(unit) / 8, tiles = promise.token_tiles;
        const double steps = stored_steps(*row, problem.packed(), 64 / unit);
        EXPECT_GE(16 * steps, promise.columns) << c.name();
        EXPECT_LE(steps, 1.02 * promise.steps) << c.name();
        // A block's threads read where it begins and which rows it has: 4 numbers each way.
        const double headers = tiles * promise.blocks * 256 * 8 * 4;
        const double infos = tiles * promise.stages * 176, weights = tiles * steps * (slices * 256 + 32);
        const double x = promise.tiles * double(c.tokens) * 2;
        std::printf(
            "V %2d sparsity %.2f: mma %6.0f (columns / 16: %6.0f; dense %6.0f), X %6.0f bytes of %6.0f, "
            "ldmatrix wavefronts %6.0f + conflicts %6.0f\n",
            int(vector), sparsity, double(counted.mma_m16n8k16), tiles * promise.columns / 16 * slices * 8,
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
