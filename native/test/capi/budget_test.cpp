#include "leno/budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

struct BudgetApi : testing::Test {
  std::vector<int64_t> offsets{0, 3, 5};
  std::vector<double> cost{10, 9, 0, 10, 9.5}, error{0, 1, 2, 0, 1};
  std::vector<int32_t> choice{-7, -7, -7};

  void refused(int expected, const std::string& part, int status) {
    EXPECT_EQ(expected, status);
    EXPECT_NE(std::string::npos, std::string(leno_last_error()).find(part)) << leno_last_error();
    EXPECT_EQ((std::vector<int32_t>{-7, -7, -7}), choice);
  }
  int fastest(double allowance, int64_t layers = 2, int64_t capacity = 3) {
    return leno_budget_fastest(layers, offsets.data(), cost.data(), error.data(), allowance, choice.data(), capacity);
  }
};

TEST_F(BudgetApi, ChoosesEitherWay) {
  ASSERT_EQ(LENO_OK, fastest(2));
  EXPECT_EQ((std::vector<int32_t>{2, 0, -7}), choice);
  ASSERT_EQ(LENO_OK, leno_budget_most_accurate(2, offsets.data(), cost.data(), error.data(), 19, choice.data(), 2));
  EXPECT_EQ((std::vector<int32_t>{1, 0, -7}), choice);
}

TEST_F(BudgetApi, RefusesBadArgumentsByName) {
  constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;
  refused(LENO_ERR_INVALID_SHAPE, "layers is 0", fastest(1, 0));
  refused(LENO_ERR_INVALID_SHAPE, "layers is -1", fastest(1, -1));
  refused(LENO_ERR_BUFFER_TOO_SMALL, "choice_capacity is 1, expected at least layers = 2", fastest(1, 2, 1));
  refused(kBad, "allowance is -1", fastest(-1));
  refused(kBad, "allowance is nan", fastest(std::nan("")));
  refused(kBad, "allowance is inf", fastest(INFINITY));
  error[3] = 0.5;
  error[4] = 0.25;
  refused(kBad, "allowance is 0.125, expected at least 0.25", fastest(0.125));
  refused(kBad, "cost_limit is 9, expected at least 9.5",
          leno_budget_most_accurate(2, offsets.data(), cost.data(), error.data(), 9, choice.data(), 3));
  cost[3] = -1;
  refused(kBad, "cost[3] is -1", fastest(1));
  cost[3] = INFINITY;
  refused(LENO_ERR_NOT_FINITE, "cost[3] is inf", fastest(1));
  cost[3] = 1;
  error[1] = std::nan("");
  refused(LENO_ERR_NOT_FINITE, "error[1] is nan", fastest(1));
  error[1] = 1;
  offsets = {0, 3, 3};
  refused(kBad, "layer_offsets[2] is 3", fastest(1));
  offsets = {1, 3, 5};
  refused(kBad, "layer_offsets[0] is 1", fastest(1));
  offsets = {0, 3, 5};
  refused(kBad, "cost is NULL", leno_budget_fastest(2, offsets.data(), nullptr, error.data(), 1, choice.data(), 3));
  refused(kBad, "choice is NULL", leno_budget_fastest(2, offsets.data(), cost.data(), error.data(), 1, nullptr, 3));
  refused(LENO_ERR_MISALIGNED, "error",
          leno_budget_fastest(2, offsets.data(), cost.data(),
                              reinterpret_cast<const double*>(reinterpret_cast<const char*>(error.data()) + 4), 1,
                              choice.data(), 3));
}

}  // namespace
