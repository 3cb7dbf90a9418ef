#include <gtest/gtest.h>

#include <numeric>
#include <tuple>

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
  return uint64_t(steps * ceil_div(w.group_rows, tile.m) * ceil_div(tokens, tile.n * tile.cluster) * tile.cluster * 2);
}

// On aligned shapes every row is within 5 % of the least traffic, multiplies nothing but what fills up its stages, and
// meets no bank conflict.
TEST(LinearSm90Counts, AreCloseToTheLeast) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  std::map<const Row*, int> ran;
  const std::vector<const Row*> rows = rows_of(linear_rows_sm90(), DType::bf16);
  std::vector<CudaCase> cases = aligned_cases(DType::bf16, 90);
  for (CudaCase c : aligned_cases(DType::bf16, 90)) {
    c.tokens = 1024;  // whole pairs of every tile
    c.multiprocessors = 4;
    cases.push_back(c);
  }
  for (const CudaCase& c : cases) {
    const CudaProblem problem(c);
    for (const Row* row : rows) {
      if (!problem.refusal(*row).empty() || (c.tokens > 256) != (tile_of(*row).cluster > 1)) continue;
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

// The weights that a pair of blocks saves are those that a second block would have loaded, and each of its copies is
// one multicast.
TEST(LinearSm90Counts, PairsLoadWeightsOnce) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  CudaCase c = aligned_cases(DType::bf16, 90).front();
  c.tokens = 1024;
  c.multiprocessors = 4;
  const auto count = [&](const CudaProblem& problem, const std::string& name) {
    for (const Row* row : rows_of(linear_rows_sm90(), DType::bf16)) {
      if (row->name != name) continue;
      EXPECT_EQ("", problem.refusal(*row)) << name;
      simt::Counters counted;
      EXPECT_EQ("", problem.check(*row, {}, &counted)) << name;
      return counted;
    }
    ADD_FAILURE() << "there is no row " << name;
    return simt::Counters{};
  };
  for (const auto& [vector, tile, tokens] :
       {std::tuple{128, "shflbw_m128n256k32", 256}, {64, "shflbw_m64n512k32", 512}, {0, "dense_m128n256k64", 256}}) {
    c.vector = vector;
    c.columns = vector == 0 ? 384 : 2048;
    const CudaProblem problem(c);
    const std::string name = std::string("bf16_linear_") + tile;
    const simt::Counters alone = count(problem, name + "_sm90"), paired = count(problem, name + "c2_sm90");
    const auto prepared = kernels::cuda::kFragments.prepare(problem.packed());
    const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
    const double weights = double(w.starts.back()) * double(w.group_rows / 16) * 512;
    const double saved = double(alone.global_loads.bytes) - double(paired.global_loads.bytes);
    EXPECT_NEAR(saved, weights * double(c.tokens / tokens / 2), .002 * double(alone.global_loads.bytes)) << name;
    EXPECT_EQ(0u, alone.multicasts) << name;
    EXPECT_EQ(paired.multicasts, paired.bulk_copies) << name;
    EXPECT_EQ(2 * paired.multicasts, alone.bulk_copies) << name;
    EXPECT_EQ(8 * paired.multicasts, paired.remote_arrivals) << name;
    std::printf("%-30s loads %6.0f KB alone, %6.0f KB in pairs; weights %6.0f KB\n", name.c_str(),
                double(alone.global_loads.bytes) / 1024, double(paired.global_loads.bytes) / 1024, weights / 1024);
  }
}

// The same case under schedules that differ in order, pre-emption, delivery and place of shared memory, with the pool
// of registers that setmaxnreg takes from: always the same bits.
TEST(LinearSm90Schedules, AllGiveTheSameBits) {
  if (const std::string why = card_refusal(*rows_of(linear_rows_sm90(), DType::bf16)[0]); !why.empty())
    GTEST_SKIP() << why;
  CudaCase c;
  c.arch = 90;
  c.rows = 150;
  c.columns = 300;
  c.tokens = 530;
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
