#include "pattern/linalg.h"

#include <gtest/gtest.h>

#include "core/isa.h"
#include "reference/second_order_reference.h"
#include "unit/second_order_data.h"

namespace {

using leno::Isa;
using leno::Linalg;
using leno_reference::Vec;

class LinalgTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!leno::isa_supported(GetParam())) GTEST_SKIP() << leno::isa_refusal(GetParam());
  }
  const Linalg& la() const { return leno::linalg(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Isas, LinalgTest, testing::Values(Isa::portable, Isa::avx2, Isa::avx512),
                         [](const auto& info) { return leno::isa_name(info.param); });

// The upper triangle is none of the library's business.
Vec lower_only(int64_t n, Vec a) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < j; ++i) a[size_t(j * n + i)] = NAN;
  }
  return a;
}

TEST_P(LinalgTest, InverseAndSolutionsAreThoseOfGaussJordan) {
  for (int64_t n : {1, 2, 7, 33, 64, 130}) {
    const auto layer = leno_test::make_layer(3, n, 2 * n, 1);
    const Vec a = layer.damped(), truth = leno_reference::inverse(n, a);
    Vec factor = lower_only(n, a);
    EXPECT_GT(la().factorise(n, factor.data()), 1e-9);
    Vec inverse(size_t(n * n), NAN);
    for (int64_t first = 0; first < n; first += 64) {
      const int64_t count = std::min<int64_t>(64, n - first), rows = n - first;
      Vec columns(size_t(rows * count), NAN);
      la().invert_columns(n, factor.data(), first, count, columns.data());
      for (int64_t j = 0; j < count; ++j) {
        std::copy_n(columns.data() + j * rows, rows, inverse.data() + (first + j) * n + first);
      }
    }
    double largest = 0;
    for (double x : truth) largest = std::max(largest, std::fabs(x));
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = j; i < n; ++i) {
        ASSERT_NEAR(truth[size_t(i * n + j)], inverse[size_t(j * n + i)], 1e-10 * largest) << n << ' ' << i << ' ' << j;
      }
    }
    Vec w(layer.w.begin(), layer.w.end()), product(w.size()), b = w;
    la().multiply(n, 3, w.data(), layer.gram.data(), layer.ridge(), product.data());
    la().solve(n, factor.data(), 3, product.data());
    la().solve(n, factor.data(), 3, b.data());
    for (int64_t r = 0; r < 3; ++r) {
      for (int64_t j = 0; j < n; ++j) {
        double x = 0;
        for (int64_t i = 0; i < n; ++i) x += w[size_t(r * n + i)] * truth[size_t(i * n + j)];
        ASSERT_NEAR(x, b[size_t(r * n + j)], 1e-9 * largest * double(n));
        ASSERT_NEAR(w[size_t(r * n + j)], product[size_t(r * n + j)], 1e-8);
      }
    }
  }
}

TEST_P(LinalgTest, ProductWithAMatrixThatIsNotSymmetric) {
  const int64_t n = 70;
  const auto layer = leno_test::make_layer(2, n, n, 4);
  const Vec w(layer.w.begin(), layer.w.end());
  Vec out(w.size());
  la().multiply(n, 2, w.data(), layer.cross.data(), 3.0, out.data());
  for (int64_t r = 0; r < 2; ++r) {
    for (int64_t j = 0; j < n; ++j) {
      double x = 3 * w[size_t(r * n + j)];
      for (int64_t i = 0; i < n; ++i) x += w[size_t(r * n + i)] * double(layer.cross[size_t(i * n + j)]);
      ASSERT_NEAR(x, out[size_t(r * n + j)], 1e-9 * (1 + std::fabs(x)));
    }
  }
}

TEST_P(LinalgTest, RefusesWhatIsNotPositiveDefinite) {
  Vec a = {1, 2, 2, 1};
  EXPECT_EQ(0, la().factorise(2, a.data()));
  a = {0};
  EXPECT_EQ(0, la().factorise(1, a.data()));
}

TEST_P(LinalgTest, EliminationIsGreedyOneAtATime) {
  for (int64_t n : {1, 2, 5, 17, 28}) {
    for (int64_t rows : {1, 4}) {
      const auto layer = leno_test::make_layer(rows, n, n + 3, uint32_t(n));
      const Vec a = layer.damped();
      Vec w(layer.w.begin(), layer.w.end());
      const auto truth = leno_reference::greedy_elimination(rows, n, w, a, n);
      Vec inverse = lower_only(n, leno_reference::inverse(n, a));
      std::vector<int32_t> order(size_t(n), -1);
      Vec loss(size_t(n), NAN), scratch(size_t(leno::eliminate_scratch(n)), NAN);
      ASSERT_TRUE(la().eliminate(n, inverse.data(), rows, w.data(), n, order.data(), loss.data(), scratch.data()));
      for (int64_t t = 0; t < n; ++t) {
        ASSERT_EQ(truth.order[size_t(t)], order[size_t(n - 1 - t)]) << n << ' ' << t;
        ASSERT_NEAR(truth.rise[size_t(t)], loss[size_t(t)], 1e-7 * (1 + truth.rise[size_t(n - 1)]));
      }
    }
  }
}

// Beyond a panel: the losses of the drops add up to what keeping the survivors costs, and w is what it should be.
TEST_P(LinalgTest, EliminationOverPanelsKeepsItsAccount) {
  const int64_t rows = 5;
  for (int64_t n : {64, 65, 150, 200}) {
    const auto layer = leno_test::make_layer(rows, n, n / 2, uint32_t(n));
    const Vec a = layer.damped(), full = leno_reference::inverse(n, a), w0(layer.w.begin(), layer.w.end());
    for (int64_t drops : {n / 2, n - 1}) {
      Vec w = w0, inverse = lower_only(n, full);
      std::vector<int32_t> order(size_t(n), -1);
      Vec loss(size_t(drops), NAN), scratch(size_t(leno::eliminate_scratch(n)), NAN);
      ASSERT_TRUE(la().eliminate(n, inverse.data(), rows, w.data(), drops, order.data(), loss.data(), scratch.data()));
      double sum = 0;
      for (double x : loss) sum += x;
      const std::vector<int32_t> kept(order.begin(), order.end() - drops);
      const double truth = leno_reference::loss_of_keeping(rows, n, w0, a, kept);
      EXPECT_NEAR(truth, sum, 1e-8 * truth) << n << ' ' << drops;
    }
  }
}

TEST_P(LinalgTest, EliminationRefusesAnInverseThatIsNone) {
  Vec inverse = {1, 2, 2, 1}, w = {1, 1}, loss(2), scratch(size_t(leno::eliminate_scratch(2)));
  std::vector<int32_t> order(2);
  EXPECT_FALSE(la().eliminate(2, inverse.data(), 1, w.data(), 2, order.data(), loss.data(), scratch.data()));
}

}  // namespace
