#include <gtest/gtest.h>

#include <numeric>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm90;

// Of a row on weights: stages are whole, two warpgroups multiply, one wgmma has at most 256 tokens.
uint64_t expected_wgmma(const Row& row, const PackedWeights& packed, int64_t tokens) {
  const TileNumbers tile = tile_of(row);
  const auto prepared = kernels::cuda::kFragments.prepare(packed);
  const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
  int64_t steps = 0;
  for (int64_t g = 0; g < w.groups; ++g) {
    steps += round_up(w.starts[size_t(g) + 1] - w.starts[size_t(g)], tile.k / 16);
  }
  return uint64_t(steps * ceil_div(w.group_rows, tile.m) * ceil_div(tokens, tile.n) * 2);
}

// On aligned shapes every row is within 5 % of the least traffic, multiplies nothing but what fills up its stages, and
// meets no bank conflict.
TEST(LinearSm90Counts, AreCloseToTheLeast) {
  std::map<const Row*, int> ran;
  const std::vector<const Row*> rows = rows_of(linear_rows_sm90(), DType::bf16);
  for (const CudaCase& c : aligned_cases(DType::bf16, 90)) {
    const CudaProblem problem(c);
    for (const Row* row : rows) {
      if (!problem.refusal(*row).empty()) continue;
      simt::Counters counted;
      simt::Options options;
      options.registers = 168;
      ASSERT_EQ("", problem.check(*row, options, &counted)) << row->name;
      const LeastWork least = least_work(problem.packed(), tile_of(*row), c.tokens, c.layout == Layout::feature_major);
      const double loads = double(counted.global_loads.sectors) * 32;
      const double stores = double(counted.global_stores.sectors) * 32;
      const uint64_t wgmma = std::accumulate(counted.wgmma.begin(), counted.wgmma.end(), uint64_t(0));
      EXPECT_LE(loads, 1.05 * least.load_bytes) << row->name << " " << c.name();
      EXPECT_GE(loads, least.load_bytes) << row->name << ": the formula claims too much";
      EXPECT_EQ(stores, least.store_bytes) << row->name;
      EXPECT_EQ(wgmma, expected_wgmma(*row, problem.packed(), c.tokens)) << row->name;
      EXPECT_EQ(0u, counted.mma_m16n8k16) << row->name;
      EXPECT_EQ(0u, counted.conflicts()) << row->name;
      std::printf(
          "%-40s %-13s loads %6.0f KB (least %6.0f)  wgmma %5.0f  shared wavefronts: plain %7.0f, cp.async %7.0f\n",
          row->name, c.layout == Layout::token_major ? "token-major" : "feature-major", loads / 1024,
          least.load_bytes / 1024, double(wgmma), double(counted.shared_wavefronts), double(counted.async_wavefronts));
      ++ran[row];
    }
  }
  for (const Row* row : rows) EXPECT_GT(ran[row], 0) << row->name;
}

// The same case under schedules that differ in order, pre-emption, delivery and place of shared memory, with the pool
// of registers that setmaxnreg takes from: always the same bits.
TEST(LinearSm90Schedules, AllGiveTheSameBits) {
  CudaCase c;
  c.arch = 90;
  c.rows = 150;
  c.columns = 700;
  c.tokens = 300;
  c.vector = 64;
  c.sparsity = .7;
  c.multiprocessors = 3;
  c.bias = c.residual = true;
  c.activation = Activation::silu;
  for (const int64_t vector : {64, 0}) {
    c.vector = vector;
    const CudaProblem problem(c);
    for (const Row* row : rows_of(linear_rows_sm90(), DType::bf16)) {
      if (!problem.refusal(*row).empty()) continue;
      DeviceArray first(DType::bf16, 0, 0);
      for (uint64_t seed = 1; seed <= 6; ++seed) {
        simt::Options options;
        options.seed = seed;
        options.registers = 168;
        options.preempt = seed % 2 == 0 ? .03 : 0;
        options.delivery = seed % 3 == 0 ? simt::Delivery::random : simt::Delivery::late;
        options.shared_base = seed % 2 == 0 ? 1024 : 16;
        options.count = false;
        DeviceArray y(DType::bf16, 0, 0);
        ASSERT_EQ("", problem.check(*row, options, nullptr, &y)) << row->name << " seed " << seed;
        if (seed == 1) first = y;
        ASSERT_EQ(y.elements(), first.elements());
        for (int64_t i = 0; i < y.elements(); ++i) {
          ASSERT_EQ(y.get(i), first.get(i)) << row->name << " seed " << seed << " element " << i;
        }
      }
    }
  }
}

}  // namespace
