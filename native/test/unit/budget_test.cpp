#include "plan/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/error.h"

namespace {

using leno::Variants;

struct Instance {
  std::vector<int64_t> offsets{0};
  std::vector<double> cost, error;
  Variants view() const { return {int64_t(offsets.size()) - 1, offsets.data(), cost.data(), error.data()}; }
  double total(const std::vector<double>& what, const std::vector<int32_t>& choice) const {
    double sum = 0;
    for (size_t l = 0; l < choice.size(); ++l) {
      EXPECT_GE(choice[l], 0);
      EXPECT_LT(choice[l], offsets[l + 1] - offsets[l]);
      sum += what[size_t(offsets[l] + choice[l])];
    }
    return sum;
  }
};

// Faster candidates with more error, each with a share of luck; many ties when the numbers are whole.
Instance instance(int layers, int candidates, bool whole, std::mt19937& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  Instance in;
  for (int l = 0; l < layers; ++l) {
    const double scale = std::exp(3 * uniform(random));
    const int n = 1 + int(random() % uint32_t(candidates));
    for (int i = 0; i < n; ++i) {
      const double x = uniform(random);
      const double cost = scale * (0.1 + x + 0.1 * uniform(random)), error = (1 - x) * (1 - x) * uniform(random);
      in.cost.push_back(whole ? std::round(cost) : cost);
      in.error.push_back(whole ? std::round(8 * error) : error);
    }
    in.offsets.push_back(int64_t(in.cost.size()));
  }
  return in;
}

// Tries all choices: the least sum of `value` with a sum of `weight` within the limit, infinity if there is none.
double brute_force(const Instance& in, const std::vector<double>& value, const std::vector<double>& weight,
                   double limit) {
  const size_t layers = in.offsets.size() - 1;
  std::vector<int32_t> choice(layers, 0);
  double best = std::numeric_limits<double>::infinity();
  for (;;) {
    if (in.total(weight, choice) <= limit) best = std::min(best, in.total(value, choice));
    size_t l = 0;
    while (l < layers && ++choice[l] == in.offsets[l + 1] - in.offsets[l]) choice[l++] = 0;
    if (l == layers) return best;
  }
}

double least(const Instance& in, const std::vector<double>& what) {
  double sum = 0;
  for (size_t l = 0; l + 1 < in.offsets.size(); ++l) {
    sum += *std::min_element(what.begin() + in.offsets[l], what.begin() + in.offsets[l + 1]);
  }
  return sum;
}

TEST(Budget, IsOptimalOnSmallInstances) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int trial = 0; trial < 400; ++trial) {
    const Instance in = instance(1 + trial % 6, 5, trial % 3 == 0, random);
    const double most_error = 0.6 * double(in.offsets.size());
    const double allowance = least(in, in.error) + uniform(random) * uniform(random) * most_error;
    const auto fast = leno::fastest_choice(in.view(), allowance);
    EXPECT_LE(in.total(in.error, fast), allowance);
    EXPECT_NEAR(brute_force(in, in.cost, in.error, allowance), in.total(in.cost, fast), 1e-9) << trial;

    const double limit = least(in, in.cost) * (1 + uniform(random));
    const auto accurate = leno::most_accurate_choice(in.view(), limit);
    EXPECT_LE(in.total(in.cost, accurate), limit);
    EXPECT_NEAR(brute_force(in, in.error, in.cost, limit), in.total(in.error, accurate), 1e-9) << trial;
  }
}

// The optimum is not on the hull: greedy along the hull would leave layer 0 at cost 10.
TEST(Budget, FindsWhatLiesOffTheHull) {
  Instance in;
  in.cost = {10, 9, 0, 10, 9.5};
  in.error = {0, 1, 2, 0, 1};
  in.offsets = {0, 3, 5};
  EXPECT_EQ((std::vector<int32_t>{1, 0}), leno::fastest_choice(in.view(), 1));
  EXPECT_EQ((std::vector<int32_t>{2, 0}), leno::fastest_choice(in.view(), 2));
  EXPECT_EQ((std::vector<int32_t>{0, 0}), leno::fastest_choice(in.view(), 0));
  EXPECT_EQ((std::vector<int32_t>{2, 1}), leno::fastest_choice(in.view(), 1e300));
}

// Among choices of equal cost the least error is taken, and among equal candidates the first.
TEST(Budget, BreaksTiesTheSameWayAlways) {
  Instance in;
  in.cost = {3, 2, 2, 2, 5, 5};
  in.error = {0, 4, 1, 1, 1, 1};
  in.offsets = {0, 4, 6};
  EXPECT_EQ((std::vector<int32_t>{2, 0}), leno::fastest_choice(in.view(), 9));
  EXPECT_EQ((std::vector<int32_t>{2, 0}), leno::most_accurate_choice(in.view(), 7));
  EXPECT_EQ((std::vector<int32_t>{0, 0}), leno::most_accurate_choice(in.view(), 8));
}

// The limit holds to the last bit in a sum from the first layer to the last.
TEST(Budget, NeverExceedsTheLimitByRounding) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 50; ++trial) {
    const Instance in = instance(12, 6, false, random);
    std::vector<int32_t> any;
    for (size_t l = 0; l + 1 < in.offsets.size(); ++l) {
      any.push_back(int32_t(random() % uint64_t(in.offsets[l + 1] - in.offsets[l])));
    }
    const double allowance = in.total(in.error, any);  // exactly what a choice needs
    const auto choice = leno::fastest_choice(in.view(), allowance);
    EXPECT_LE(in.total(in.error, choice), allowance);
    EXPECT_LE(in.total(in.cost, choice), in.total(in.cost, any));
  }
  // What a cheaper choice would exceed by its last bit alone.
  Instance in;
  in.cost = {5, 1, 4, 1};
  in.error = {0, 0.5, 0, 0.25};
  in.offsets = {0, 2, 4};
  EXPECT_EQ((std::vector<int32_t>{1, 1}), leno::fastest_choice(in.view(), 0.75));
  EXPECT_EQ((std::vector<int32_t>{1, 0}), leno::fastest_choice(in.view(), std::nextafter(0.75, 0.0)));
}

// A bound that holds for every choice: any multiplier's relaxed optimum. Thousands of candidates, all worth a thought.
TEST(Budget, LargeInstancesComeNearTheRelaxation) {
  std::mt19937 random(5);
  for (const auto& [layers, candidates] : {std::pair{36, 90}, std::pair{400, 30}}) {
    const Instance in = instance(layers, candidates, false, random);
    const double allowance = least(in, in.error) + 0.02 * layers;
    const auto choice = leno::fastest_choice(in.view(), allowance);
    EXPECT_LE(in.total(in.error, choice), allowance);
    double bound = 0;
    for (double multiplier = 1e-3; multiplier < 1e4; multiplier *= 1.01) {
      double relaxed = -multiplier * allowance;
      for (size_t l = 0; l + 1 < in.offsets.size(); ++l) {
        double lowest = std::numeric_limits<double>::infinity();
        for (int64_t i = in.offsets[l]; i < in.offsets[l + 1]; ++i) {
          lowest = std::min(lowest, in.cost[size_t(i)] + multiplier * in.error[size_t(i)]);
        }
        relaxed += lowest;
      }
      bound = std::max(bound, relaxed);
    }
    EXPECT_LE(in.total(in.cost, choice), bound * 1.004);
    EXPECT_GE(in.total(in.cost, choice), bound * (1 - 1e-9));
    EXPECT_EQ(choice, leno::fastest_choice(in.view(), allowance));
  }
}

// All candidates on one line: the relaxation tells nothing apart, and the number of states is what bounds the work.
TEST(Budget, SurvivesTheWorstCase) {
  std::mt19937 random(8);
  std::uniform_real_distribution<double> uniform(0, 1);
  Instance in;
  for (int l = 0; l < 60; ++l) {
    for (int i = 0; i < 20; ++i) {
      const double x = uniform(random);
      in.cost.push_back(x);
      in.error.push_back(1 - x);
    }
    in.offsets.push_back(int64_t(in.cost.size()));
  }
  const auto choice = leno::fastest_choice(in.view(), 20);
  EXPECT_LE(in.total(in.error, choice), 20);
  EXPECT_LE(in.total(in.cost, choice), 40 * 1.001);  // cost + error = 60 whatever is chosen
}

TEST(Budget, HugeAndZeroNumbersAreHarmless) {
  Instance in;
  in.cost = {1e308, 0, 1e308, 0, 0, 0};
  in.error = {0, 1e308, 0, 1e308, 0, 0};
  in.offsets = {0, 2, 4, 6};
  EXPECT_EQ((std::vector<int32_t>{0, 0, 0}), leno::fastest_choice(in.view(), 0));
  const auto one = leno::fastest_choice(in.view(), 1.2e308);
  EXPECT_LE(in.total(in.error, one), 1.2e308);
  EXPECT_LE(in.total(in.cost, one), 1.2e308);
}

}  // namespace
