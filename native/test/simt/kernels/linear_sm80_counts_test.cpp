#include <gtest/gtest.h>

#include "kernels/cuda/linear_rows.h"
#include "simt/kernels/linear_counts.h"

namespace {

using namespace leno_test;
using kernels::cuda::linear_rows_sm80;

// Aligned shapes on which every row is to be within 5 % of the least traffic and the least products, and to meet no
// bank conflict anywhere.
std::vector<CudaCase> aligned_cases() {
  CudaCase c;
  c.rows = 256;
  c.columns = 2048;
  c.tokens = 256;
  c.vector = 128;
  c.sparsity = .75;
  c.multiprocessors = 1;
  std::vector<CudaCase> all = {c};
  c.vector = 0;
  c.columns = 768;
  all.push_back(c);
  c.layout = Layout::token_major;
  all.push_back(c);
  return all;
}

TEST(LinearSm80Counts, AreCloseToTheLeast) {
  std::map<const Row*, int> ran;
  const std::vector<const Row*> rows = rows_of(linear_rows_sm80(), DType::bf16);
  for (const CudaCase& c : aligned_cases()) {
    const CudaProblem problem(c);
    for (const Row* row : rows) {
      if (!problem.refusal(*row).empty()) continue;
      simt::Counters counted;
      ASSERT_EQ("", problem.check(*row, {}, &counted)) << row->name;
      const LeastWork least = least_work(problem.packed(), tile_of(*row), c.tokens, c.layout == Layout::feature_major);
      const double loads = double(counted.global_loads.sectors) * 32,
                   stores = double(counted.global_stores.sectors) * 32;
      EXPECT_LE(loads, 1.05 * least.load_bytes) << row->name << " " << c.name();
      EXPECT_GE(loads, least.load_bytes) << row->name << ": the formula claims too much";
      EXPECT_EQ(stores, least.store_bytes) << row->name;
      EXPECT_LE(double(counted.mma_m16n8k16), 1.05 * least.mma) << row->name;
      EXPECT_GE(double(counted.mma_m16n8k16), least.mma) << row->name;
      EXPECT_EQ(0u, counted.ldmatrix_conflicts) << row->name;
      EXPECT_EQ(0u, counted.async_conflicts) << row->name;
      EXPECT_EQ(0u, counted.shared_conflicts) << row->name;
      std::printf(
          "%-40s %-13s loads %6.0f KB (least %6.0f)  mma %7.0f (%7.0f)  shared wavefronts: ldmatrix %7.0f, "
          "plain %7.0f, cp.async %7.0f\n",
          row->name, c.layout == Layout::token_major ? "token-major" : "feature-major", loads / 1024,
          least.load_bytes / 1024, double(counted.mma_m16n8k16), least.mma, double(counted.ldmatrix_wavefronts),
          double(counted.shared_wavefronts), double(counted.async_wavefronts));
      ++ran[row];
    }
  }
  for (const Row* row : rows) EXPECT_GT(ran[row], 0) << row->name;
}

}  // namespace
