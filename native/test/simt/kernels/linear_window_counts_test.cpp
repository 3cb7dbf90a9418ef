#include <gtest/gtest.h>

#include <numeric>

#include "core/error.h"
#include "kernels/cuda/linear_rows.h"
#include "kernels/cuda/linear_window_tile.h"
#include "kernels/cuda/linear_window_weights.h"
#include "simt/kernels/linear_table.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_window_sm90;
using Shape = kernels::cuda::WindowShape;

CudaCase aligned(int64_t rows, int64_t vector, double sparsity) {
  CudaCase c;
  c.arch = 90;
  c.rows = rows;
  c.columns = 1024;
  c.tokens = 128;
  c.vector = vector;
  c.sparsity = sparsity;
  c.multiprocessors = 1;
  return c;
}

// X is read once for a slice, or once for the four of a cluster; k-steps once; nothing is multiplied but k-steps.
TEST(LinearWindowCounts, AreWhatTheFormatSays) {
  LENO_EMULATED_ONLY("it counts what the emulator counts");
  const Row* row = rows_of(linear_rows_window_sm90(), DType::bf16)[0];
  for (const auto& [rows, vector] :
       std::vector<std::pair<int64_t, int64_t>>{{256, 16}, {256, 32}, {256, 128}, {1024, 64}}) {
    CudaCase c = aligned(rows, vector, .75);
    c.seed = 3;  // none of the groups is empty where there are two
    const CudaProblem problem(c);
    simt::Counters counted;
    simt::Options options;
    options.registers = 168;
    ASSERT_EQ("", problem.check(*row, options, &counted)) << c.name();
    const auto prepared = kernels::cuda::kWindow.prepare(problem.packed());
    const auto& w = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
    const int n = kernels::cuda::window_group_rows(vector);
    const int64_t steps = w.starts.back(), readings = ceil_div(w.groups, 4);
    const double least = double(readings * c.columns * c.tokens * 2 + steps * Shape::step_bytes(n));
    const double loads = double(counted.global_loads.sectors) * 32;
    EXPECT_GE(loads, least) << c.name();
    EXPECT_LE(loads, 1.05 * least) << c.name();
    EXPECT_EQ(double(counted.global_stores.sectors) * 32, double(c.rows * c.tokens * 2));
    EXPECT_EQ(uint64_t(steps * 2 * Shape::kRows / n), counted.wgmma[size_t(n / 8)]);
    EXPECT_EQ(counted.wgmma[size_t(n / 8)], std::accumulate(counted.wgmma.begin(), counted.wgmma.end(), uint64_t(0)));
    EXPECT_EQ(uint64_t(steps * 8 * Shape::kRows / n), counted.ldmatrix);
    EXPECT_LE(double(counted.ldmatrix_conflicts), .5 * double(counted.ldmatrix_wavefronts));
    EXPECT_EQ(0u, counted.shared_conflicts);
    std::printf(
        "V %3d M %4d: loads %6.0f KB (least %6.0f)  wgmma %5.0f  wavefronts: ldmatrix %6.0f + %5.0f, plain %6.0f + "
        "%5.0f\n",
        int(vector), int(rows), loads / 1024, least / 1024, double(counted.wgmma[size_t(n / 8)]),
        double(counted.ldmatrix_wavefronts), double(counted.ldmatrix_conflicts), double(counted.shared_wavefronts),
        double(counted.shared_conflicts));
  }
}

// Schedules that differ in order, pre-emption, delivery and place of shared memory, with the pool of registers that
// setmaxnreg takes from: always the same bits.
TEST(LinearWindowSchedules, AllGiveTheSameBits) {
  if (const std::string why = card_refusal(*rows_of(linear_rows_window_sm90(), DType::bf16)[0]); !why.empty())
    GTEST_SKIP() << why;
  CudaCase c = aligned(600, 64, .7);
  c.columns = 400;
  c.tokens = 150;
  c.bias = c.residual = true;
  c.activation = Activation::silu;
  const Row* row = rows_of(linear_rows_window_sm90(), DType::bf16)[0];
  for (const int64_t rows : {150, 600}) {
    c.rows = rows;
    const CudaProblem problem(c);
    DeviceArray first(DType::bf16, 0, 0);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      simt::Options options;
      options.seed = seed;
      options.registers = 168;
      options.preempt = seed % 2 == 0 ? .03 : 0;
      options.delivery = seed % 3 == 0 ? simt::Delivery::random : simt::Delivery::late;
      options.shared_base = seed % 2 == 0 ? 1024 : 16;
      options.count = false;
      DeviceArray y(DType::bf16, 0, 0);
      ASSERT_EQ("", problem.check(*row, options, nullptr, &y)) << "seed " << seed;
      if (seed == 1) first = y;
      ASSERT_EQ(y.elements(), first.elements());
      for (int64_t i = 0; i < y.elements(); ++i) ASSERT_EQ(y.get(i), first.get(i)) << "seed " << seed;
    }
  }
}

}  // namespace
