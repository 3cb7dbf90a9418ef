#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "leno/pattern.h"

namespace {

constexpr int64_t kRows = 10, kColumns = 12, kStride = 15;
constexpr float kGuard = -77;

// Arguments that work, to be spoilt one at a time.
class Prune : public testing::Test {
 protected:
  Prune() : w(kRows * kStride, kGuard), gram(kColumns * kColumns), updated(kRows * kStride, kGuard) {
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t c = 0; c < kColumns; ++c) w[size_t(r * kStride + c)] = float((r * 7 + c * 5) % 11) - 5.5f;
    }
    for (int64_t i = 0; i < kColumns; ++i) {
      for (int64_t j = 0; j < kColumns; ++j) gram[size_t(i * kColumns + j)] = std::pow(0.8f, float(std::abs(i - j)));
    }
    target = gram;
    EXPECT_EQ(LENO_OK, leno_search_options_init(&options));
    options.vector = 4;
    options.sparsity = 0.5;
    options.search = LENO_SEARCH_IDENTITY;
  }
  ~Prune() override { leno_pattern_destroy(out); }

  int run() {
    return leno_prune_second_order(w.data(), rows, columns, ldw, gram_at, target_at, damping, &options, pattern_in,
                                   updated_at, ldupdated, &out);
  }
  void expect_refused(int status, const std::string& part) {
    EXPECT_EQ(status, run()) << part;
    EXPECT_NE(std::string::npos, std::string(leno_last_error()).find(part)) << leno_last_error();
    EXPECT_EQ(0u, std::string(leno_last_error()).find("leno_prune_second_order: "));
    EXPECT_EQ(nullptr, out);
    for (float x : updated) ASSERT_EQ(kGuard, x);
  }

  std::vector<float> w, gram, target, updated;
  int64_t rows = kRows, columns = kColumns, ldw = kStride, ldupdated = kStride;
  const float *gram_at = gram.data(), *target_at = nullptr;
  float* updated_at = updated.data();
  double damping = 0.01;
  leno_search_options options;
  leno_pattern pattern_in = nullptr, out = nullptr;
};

TEST_F(Prune, GivesAPatternAndItsWeightsAndStaysInsideTheStride) {
  ASSERT_EQ(LENO_OK, run()) << leno_last_error();
  leno_pattern_info info;
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(out, &info));
  EXPECT_EQ(3, info.groups);
  EXPECT_EQ(18, info.kept_vectors);
  std::vector<uint8_t> mask(kRows * kColumns);
  ASSERT_EQ(LENO_OK, leno_pattern_get_mask(out, mask.data(), kRows * kColumns));
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kStride; ++c) {
      const float x = updated[size_t(r * kStride + c)];
      if (c >= kColumns) {
        EXPECT_EQ(kGuard, x);
      } else if (mask[size_t(r * kColumns + c)] == 0) {
        EXPECT_EQ(0, x);
      } else {
        EXPECT_TRUE(std::isfinite(x));
      }
    }
  }
}

TEST_F(Prune, KeepsAPatternThatIsGivenAndMayWorkInPlace) {
  ASSERT_EQ(LENO_OK, run());
  const std::vector<float> first = updated;
  pattern_in = out;
  out = nullptr;
  updated_at = w.data();
  EXPECT_EQ(LENO_OK, run()) << leno_last_error();
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kColumns; ++c) EXPECT_EQ(first[size_t(r * kStride + c)], w[size_t(r * kStride + c)]);
  }
  leno_pattern_info a, b;
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(pattern_in, &a));
  ASSERT_EQ(LENO_OK, leno_pattern_get_info(out, &b));
  EXPECT_EQ(a.kept_vectors, b.kept_vectors);
  leno_pattern_destroy(pattern_in);
}

TEST_F(Prune, TargetEqualToGramIsTheSameAsNone) {
  ASSERT_EQ(LENO_OK, run());
  const std::vector<float> first = updated;
  leno_pattern_destroy(out);
  target_at = target.data();
  ASSERT_EQ(LENO_OK, run());
  for (size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(first[i], updated[i], 1e-5);
}

TEST_F(Prune, RefusesWhatIsNotFiniteWithItsPlace) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    w[2 * kStride + 3] = bad;
    expect_refused(LENO_ERR_NOT_FINITE, "w[2][3]");
    w[2 * kStride + 3] = 1;
    gram[4 * kColumns + 5] = bad;
    expect_refused(LENO_ERR_NOT_FINITE, "gram[4][5]");
    gram[4 * kColumns + 5] = gram[5 * kColumns + 4];
    target_at = target.data();
    target[11 * kColumns + 11] = bad;
    expect_refused(LENO_ERR_NOT_FINITE, "target_gram[11][11]");
    target_at = nullptr;
    damping = bad;
    expect_refused(LENO_ERR_INVALID_ARGUMENT, "damping");
    damping = 0.01;
  }
  w[9 * kStride + 12] = std::numeric_limits<float>::quiet_NaN();  // outside the matrix
  EXPECT_EQ(LENO_OK, run());
}

TEST_F(Prune, RefusesShapesAndAddresses) {
  rows = 0;
  expect_refused(LENO_ERR_INVALID_SHAPE, "rows is 0");
  rows = kRows, columns = -1;
  expect_refused(LENO_ERR_INVALID_SHAPE, "columns is -1");
  columns = kColumns, ldw = kColumns - 1;
  expect_refused(LENO_ERR_INVALID_SHAPE, "ldw is 11");
  ldw = kStride, ldupdated = 3;
  expect_refused(LENO_ERR_INVALID_SHAPE, "ldupdated is 3");
  ldupdated = kStride, gram_at = nullptr;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "gram is NULL");
  gram_at = reinterpret_cast<const float*>(reinterpret_cast<const char*>(gram.data()) + 2);
  expect_refused(LENO_ERR_MISALIGNED, "gram is at");
  gram_at = gram.data(), updated_at = nullptr;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "updated is NULL");
  updated_at = updated.data();
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_prune_second_order(nullptr, rows, columns, ldw, gram_at, nullptr, damping,
                                                               &options, nullptr, updated_at, ldupdated, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_prune_second_order(w.data(), rows, columns, ldw, gram_at, nullptr, damping,
                                                               nullptr, nullptr, updated_at, ldupdated, &out));
  EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, leno_prune_second_order(w.data(), rows, columns, ldw, gram_at, nullptr, damping,
                                                               &options, nullptr, updated_at, ldupdated, nullptr));
}

TEST_F(Prune, RefusesOptions) {
  options.sparsity = 1;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "sparsity");
  options.sparsity = 0.5, options.vector = 6;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "vector");
  options.vector = 4, options.threads = 0;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "threads");
  options.threads = 1, options.balance = 9;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "balance");
  options.balance = LENO_BALANCE_EQUAL, damping = 0;
  expect_refused(LENO_ERR_INVALID_ARGUMENT, "damping is 0");
}

TEST_F(Prune, RefusesAPatternOfAnotherShape) {
  ASSERT_EQ(LENO_OK, run());
  pattern_in = out;
  out = nullptr;
  std::fill(updated.begin(), updated.end(), kGuard);
  rows = kRows - 1;
  expect_refused(LENO_ERR_INVALID_SHAPE, "pattern_in is 10 x 12");
  leno_pattern_destroy(pattern_in);
}

}  // namespace
