#include <gtest/gtest.h>

#include "kernels/cuda/linear_weights.h"
#include "linear_case.h"

namespace {

using namespace leno_test;
using kernels::cuda::LinearWeights;

// What the image says, back in a matrix, read as the fragments are documented.
std::vector<float> unpacked(const LinearWeights& w) {
  std::vector<float> dense(size_t(w.rows * w.columns), 0);
  const auto* values = reinterpret_cast<const uint16_t*>(w.image.data() + w.values_at);
  const auto* starts = reinterpret_cast<const int32_t*>(w.image.data() + w.starts_at);
  const auto* columns = reinterpret_cast<const int32_t*>(w.image.data() + w.columns_at);
  const auto* rows = reinterpret_cast<const int32_t*>(w.image.data() + w.rows_at);
  for (int64_t g = 0; g < w.groups; ++g) {
    for (int64_t s = starts[g]; s < starts[g + 1]; ++s) {
      for (int64_t r = 0; r < w.group_rows; ++r) {
        for (int64_t c = 0; c < 16; ++c) {
          const int64_t tile = s * w.group_rows / 16 + r / 16, lane = r % 8 * 4 + c % 8 / 2;
          const int64_t part = r % 16 / 8 + 2 * (c / 8);
          const float value = from_bf16(values[tile * 256 + lane * 8 + part * 2 + c % 2]);
          const int32_t row = rows[g * w.group_rows + r], column = columns[s * 16 + c];
          if (row < 0 || column < 0) {
            EXPECT_EQ(0, value);
          } else {
            dense[size_t(row * w.columns + column)] += value;
          }
        }
      }
    }
  }
  return dense;
}

TEST(LinearFragments, HoldTheWeights) {
  for (int64_t vector : {0, 4, 8, 16, 32, 64, 128}) {
    for (int64_t rows : {1, 15, 16, 40, 130, 300}) {
      for (double sparsity : {0., .5, 1.}) {
        LinearCase c;
        c.rows = rows;
        c.columns = 37;
        c.vector = vector;
        c.sparsity = sparsity;
        c.weights = DType::bf16;
        const LinearProblem problem(c);
        const auto prepared = kernels::cuda::kFragments.prepare(problem.packed());
        const auto& w = static_cast<const LinearWeights&>(*prepared);
        std::vector<float> want(size_t(rows * c.columns));
        problem.packed().to_dense({want.data(), rows, c.columns, c.columns});
        EXPECT_EQ(want, unpacked(w)) << c.name();
        const auto* order = reinterpret_cast<const int32_t*>(w.image.data() + w.order_at);
        for (int64_t i = 0; i + 1 < w.groups; ++i) {
          EXPECT_GE(w.starts[size_t(order[i]) + 1] - w.starts[size_t(order[i])],
                    w.starts[size_t(order[i + 1]) + 1] - w.starts[size_t(order[i + 1])]);
        }
        if (w.groups > 0) {
          EXPECT_EQ(w.longest, w.starts[size_t(order[0]) + 1] - w.starts[size_t(order[0])]);
        }
      }
    }
  }
}

}  // namespace
