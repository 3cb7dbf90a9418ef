#include "leno/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

std::vector<float> random_values(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

TEST(Gram, IsTheSumOfOuterProducts) {
  for (int64_t k : {1, 5, 191, 193, 400}) {
    const int64_t tokens = 37, lda = k + 3, ldb = k + 1;
    const auto a = random_values(static_cast<size_t>(tokens * lda), 1), b = random_values(size_t(tokens * ldb), 2);
    const auto start = random_values(static_cast<size_t>(k * k), 3);
    std::vector<float> first;
    for (int threads : {1, 2, 3}) {
      auto gram = start;
      ASSERT_EQ(LENO_OK, leno_gram_accumulate(tokens, k, a.data(), lda, b.data(), ldb, threads, gram.data(), k * k));
      if (first.empty()) first = gram;
      ASSERT_EQ(first, gram) << threads << " threads";
    }
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t j = 0; j < k; ++j) {
        double sum = start[size_t(i * k + j)], size = std::fabs(sum);
        for (int64_t n = 0; n < tokens; ++n) {
          const double term = double(a[size_t(n * lda + i)]) * b[size_t(n * ldb + j)];
          sum += term;
          size += std::fabs(term);
        }
        ASSERT_NEAR(sum, first[size_t(i * k + j)], 1e-6 * size) << k << " " << i << " " << j;
      }
    }
  }
}

TEST(Gram, RefusesWhatIsNotFiniteAndLeavesTheResult) {
  std::vector<float> a = {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}, gram = {7, 7, 7, 7};
  EXPECT_EQ(LENO_ERR_NOT_FINITE, leno_gram_accumulate(2, 2, a.data(), 2, nullptr, 0, 1, gram.data(), 4));
  EXPECT_NE(std::string::npos, std::string(leno_last_error()).find("a[1][1] is nan")) << leno_last_error();
  EXPECT_EQ(LENO_ERR_BUFFER_TOO_SMALL, leno_gram_accumulate(1, 2, a.data(), 2, nullptr, 0, 1, gram.data(), 3));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, leno_gram_accumulate(2, 2, a.data(), 1, nullptr, 0, 1, gram.data(), 4));
  EXPECT_EQ((std::vector<float>{7, 7, 7, 7}), gram);
  const auto refusal = [&](int64_t tokens, const float* x, int64_t ldx, float* to) {
    EXPECT_EQ((std::vector<float>{7, 7, 7, 7}), gram);
    return leno_gram_accumulate(tokens, 2, x, ldx, nullptr, 0, 1, to, 4);
  };
  const auto off_by_two = [](float* p) { return reinterpret_cast<float*>(reinterpret_cast<char*>(p) + 2); };
  EXPECT_EQ(LENO_ERR_MISALIGNED, refusal(1, off_by_two(a.data()), 2, gram.data()));
  EXPECT_EQ(LENO_ERR_MISALIGNED, refusal(1, a.data(), 2, off_by_two(gram.data())));
  // Their product is no address: refused before anything is read.
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, refusal(2, a.data(), INT64_MAX, gram.data()));
  EXPECT_EQ(LENO_ERR_INVALID_SHAPE, refusal(int64_t{1} << 62, a.data(), 2, gram.data()));
  EXPECT_EQ(LENO_OK, refusal(0, a.data(), 2, gram.data()));
  ASSERT_EQ(LENO_OK, leno_gram_accumulate(1, 2, a.data(), 2, nullptr, 0, 1, gram.data(), 4));
  EXPECT_EQ((std::vector<float>{8, 9, 9, 11}), gram);
}

}  // namespace
