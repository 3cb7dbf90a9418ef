#include <cmath>
#include <limits>

#include "core/error.h"
#include "pattern/assignment.h"
#include "pattern/pair_refinement.h"
#include "pattern/search.h"
#include "pattern_fixture.h"

namespace leno::test {
namespace {

constexpr int kSearches[] = {LENO_SEARCH_IDENTITY, LENO_SEARCH_PUBLISHED, LENO_SEARCH_ALTERNATING};
constexpr int kBalances[] = {LENO_BALANCE_EQUAL, LENO_BALANCE_LAYER};

// The best the identity can do, by trying: the largest `keep` sums of every group, or of the layer.
double best_identity(const Matrix& s, int64_t vector, double density, int balance) {
  const int64_t groups = (s.rows + vector - 1) / vector;
  struct Block {
    double sum;
    int64_t rows;
  };
  std::vector<Block> layer;
  double total = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t last = std::min(s.rows, (g + 1) * vector);
    std::vector<double> sums;
    for (int64_t c = 0; c < s.columns; ++c) {
      double sum = 0;
      for (int64_t r = g * vector; r < last; ++r) sum += s.at(r, c);
      sums.push_back(sum);
      layer.push_back({sum, last - g * vector});
    }
    std::sort(sums.rbegin(), sums.rend());
    for (int64_t i = 0; i < std::llround(density * double(s.columns)); ++i) total += sums[size_t(i)];
  }
  if (balance == LENO_BALANCE_EQUAL) return total;
  std::sort(layer.begin(), layer.end(),
            [](const Block& a, const Block& b) { return a.sum / double(a.rows) > b.sum / double(b.rows); });
  const double target = density * double(s.rows * s.columns);
  double weights = 0;
  total = 0;
  for (const Block& b : layer) {
    if (std::fabs(weights + double(b.rows) - target) > std::fabs(weights - target)) break;
    weights += double(b.rows);
    total += b.sum;
  }
  return total;
}

TEST(PatternSearch, EveryShapeGivesAValidPatternAndATrueReport) {
  struct Shape {
    int64_t rows, columns;
    int vector;
  };
  for (const Shape s : {Shape{64, 48, 16}, Shape{70, 33, 16}, Shape{5, 9, 4}, Shape{37, 1, 8}, Shape{3, 40, 128},
                        Shape{1, 1, 4}, Shape{130, 20, 128}, Shape{33, 17, 32}}) {
    const Matrix scores = noise(s.rows, s.columns, 7);
    for (const int search : kSearches) {
      for (const int balance : kBalances) {
        for (const double sparsity : {0.0, 0.3, 0.5, 0.75, 0.99}) {
          SCOPED_TRACE(testing::Message() << s.rows << " x " << s.columns << " V " << s.vector << " search " << search
                                          << " balance " << balance << " sparsity " << sparsity);
          leno_search_report report{};
          const Pattern p = search_pattern(scores, options(search, s.vector, sparsity, balance), &report);
          ASSERT_NO_THROW(check_pattern(p));
          const double target = (1 - sparsity) * double(s.rows * s.columns);
          const double kept = double(p.kept_weights());
          if (balance == LENO_BALANCE_EQUAL) {
            for (int64_t g = 0; g < p.groups(); ++g) {
              EXPECT_EQ(std::llround((1 - sparsity) * double(s.columns)), p.kept(g));
              EXPECT_LE(std::fabs(double(p.kept(g)) - (1 - sparsity) * double(s.columns)), 0.5 + 1e-9);
            }
          } else {
            EXPECT_LE(std::fabs(kept - target), 0.5 * s.vector + 1e-6);
          }
          if (sparsity == 0.0) {
            EXPECT_EQ(s.rows * s.columns, p.kept_weights());
          }
          EXPECT_NEAR(kept_by_definition(p, scores), report.kept, 1e-9 * report.total);
          EXPECT_NEAR(best_identity(scores, s.vector, 1 - sparsity, balance), report.identity, 1e-9 * report.total);
          std::vector<double> all;
          for (int64_t r = 0; r < s.rows; ++r) {
            for (int64_t c = 0; c < s.columns; ++c) all.push_back(scores.at(r, c));
          }
          EXPECT_NEAR(std::accumulate(all.begin(), all.end(), 0.0), report.total, 1e-9 * report.total);
          std::sort(all.rbegin(), all.rend());
          EXPECT_NEAR(std::accumulate(all.begin(), all.begin() + p.kept_weights(), 0.0), report.unstructured,
                      1e-9 * report.total);
          EXPECT_LE(report.kept, report.unstructured * (1 + 1e-12));
          if (search == LENO_SEARCH_ALTERNATING) {
            EXPECT_GE(report.kept, report.identity);
          }
          if (search == LENO_SEARCH_IDENTITY) {
            EXPECT_TRUE(p.is_identity());
            EXPECT_EQ(0.0, report.efficacy);
          }
        }
      }
    }
  }
}

TEST(PatternSearch, RowsInsideAGroupAscend) {
  const Matrix scores = planted(70, 40, 8, 10, 0.3f, true, 3);
  for (const int search : kSearches) {
    const Pattern p = search_pattern(scores, options(search, 8, 0.75), nullptr);
    for (int64_t i = 1; i < p.rows; ++i) {
      if (i % 8 != 0) {
        EXPECT_LT(p.permutation[size_t(i) - 1], p.permutation[size_t(i)]);
      }
    }
  }
}

TEST(PatternSearch, FindsAPlantedPermutation) {
  for (const int64_t rows : {128, 137}) {
    for (const int balance : kBalances) {
      for (const int vector : {4, 16, 32}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, balance " << balance << ", V " << vector);
        const Matrix scores = planted(rows, 96, vector, 24, 0.01f, true, 11);
        leno_search_report ours{}, published{};
        search_pattern(scores, options(LENO_SEARCH_ALTERNATING, vector, 0.75, balance), &ours);
        search_pattern(scores, options(LENO_SEARCH_PUBLISHED, vector, 0.75, balance), &published);
        EXPECT_GT(ours.efficacy, 0.97);
        EXPECT_GE(ours.kept, published.kept * (1 - 1e-9));
        EXPECT_GT(published.efficacy, 0.3);
      }
    }
  }
}

TEST(PatternSearch, WeakStructureRanksTheSearches) {
  const Matrix scores = planted(192, 128, 16, 32, 0.5f, true, 5);
  leno_search_report ours{}, published{};
  search_pattern(scores, options(LENO_SEARCH_ALTERNATING, 16, 0.75), &ours);
  search_pattern(scores, options(LENO_SEARCH_PUBLISHED, 16, 0.75), &published);
  EXPECT_GE(ours.kept, published.kept);
  EXPECT_GT(published.kept, published.identity * 0.999);
}

// Groups of which some rows were exchanged: the refinement alone puts them back.
TEST(PatternSearch, ExchangesOfRowsRestoreSpoiledGroups) {
  for (const int balance : kBalances) {
    // With one threshold over the layer, groups of a weak structure gain by sorting rows by their size instead.
    const Matrix scores = planted(75, 64, 8, 16, balance == LENO_BALANCE_EQUAL ? 0.5f : 0.1f, false, 13);
    Assignment assignment(75, 8);
    assignment.swap(0, 1, 3, 2);
    assignment.swap(2, 0, 9, 1);  // with the short group
    assignment.swap(4, 7, 3, 5);
    assignment.swap(4, 1, 8, 6);
    ThreadPool pool(2);
    refine_pairs(scores, KeepTarget{8, balance, 0.25}, 10, assignment, pool);
    std::vector<int32_t> identity(75);
    std::iota(identity.begin(), identity.end(), 0);
    EXPECT_EQ(identity, assignment.permutation()) << "balance " << balance;
  }
}

// Null control: each row's scores shuffled on their own have no groups to find, and what is found is a fit to noise.
TEST(PatternSearch, FindsLittleWhereThereIsNothing) {
  Matrix scores = planted(128, 96, 16, 24, 0.01f, true, 11);
  std::mt19937 random(2);
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* row = &scores.at(r, 0);
    std::shuffle(row, row + scores.columns, random);
  }
  leno_search_report report{};
  search_pattern(scores, options(LENO_SEARCH_ALTERNATING, 16, 0.75), &report);
  EXPECT_LT(report.efficacy, 0.3);
}

TEST(PatternSearch, IsTheSameForEveryThreadCountAndRun) {
  const Matrix scores = planted(150, 70, 16, 20, 0.6f, true, 9);
  for (const int search : {LENO_SEARCH_PUBLISHED, LENO_SEARCH_ALTERNATING}) {
    for (const int balance : kBalances) {
      leno_search_options o = options(search, 16, 0.7, balance);
      o.starts = 3;
      const Pattern once = search_pattern(scores, o, nullptr);
      EXPECT_TRUE(same(once, search_pattern(scores, o, nullptr)));
      for (const int threads : {2, 3, 1024}) {
        o.threads = threads;
        EXPECT_TRUE(same(once, search_pattern(scores, o, nullptr))) << threads << " threads, search " << search;
      }
    }
  }
}

TEST(PatternSearch, MoreStartsNeverKeepLess) {
  const Matrix scores = planted(96, 64, 8, 16, 0.7f, true, 21);
  for (const int search : {LENO_SEARCH_PUBLISHED, LENO_SEARCH_ALTERNATING}) {
    double kept = 0;
    for (const int starts : {1, 3, 8}) {
      leno_search_options o = options(search, 8, 0.75);
      o.starts = starts;
      leno_search_report report{};
      search_pattern(scores, o, &report);
      EXPECT_GE(report.kept, kept);
      kept = report.kept;
    }
  }
}

// Rows of group A and B have the same largest 2 columns; only the next 2 tell them apart. A mask of the target density
// is blind to that, the relaxed one is not.
TEST(PatternSearch, RelaxationDecidesWhatThePublishedSearchSees) {
  const int64_t rows = 32, columns = 16;
  Matrix scores(rows, columns);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) scores.at(r, c) = 0.01f;
    const bool odd = r % 2 == 1;
    scores.at(r, 0) = scores.at(r, 1) = 1.0f;
    scores.at(r, odd ? 2 : 4) = scores.at(r, odd ? 3 : 5) = 0.9f;
  }
  leno_search_options o = options(LENO_SEARCH_PUBLISHED, 16, 1 - 2.0 / 16);
  const auto groups_are_pure = [&] {
    const Pattern p = search_pattern(scores, o, nullptr);
    for (int64_t i = 1; i < rows; ++i) {
      if (i % 16 != 0 && p.permutation[size_t(i)] % 2 != p.permutation[size_t(i) - 1] % 2) return false;
    }
    return true;
  };
  o.relaxation = 2;
  EXPECT_TRUE(groups_are_pure());
  o.relaxation = 1;
  EXPECT_FALSE(groups_are_pure());
  for (const double every_weight : {1e9, 1e300}) {  // nothing to tell apart, and nothing to break
    o.relaxation = every_weight;
    EXPECT_NO_THROW(groups_are_pure());
  }
}

// The short group's vectors cost fewer weights: what counts is the worth of each, so that neither all nor none of them
// are kept where all rows are alike.
TEST(PatternSearch, LayerThresholdIsFairToAShortGroup) {
  const int64_t rows = 36, columns = 200;
  const Matrix scores = noise(rows, columns, 4);
  const Pattern p = search_pattern(scores, options(LENO_SEARCH_IDENTITY, 32, 0.5, LENO_BALANCE_LAYER), nullptr);
  EXPECT_GT(p.kept(1), columns / 4);
  EXPECT_LT(p.kept(1), columns * 3 / 4);
}

TEST(PatternSearch, ExtremeScoresNeitherOverflowNorVanish) {
  for (const float scale : {1e38f, 1e-38f, 1e-44f}) {
    Matrix scores = planted(64, 32, 8, 8, 0.0f, true, 6);
    for (float& s : scores.data) s *= s < 2 ? scale : 0;
    leno_search_report report{};
    search_pattern(scores, options(LENO_SEARCH_ALTERNATING, 8, 0.75), &report);
    EXPECT_GT(report.efficacy, 0.9) << scale;
    EXPECT_TRUE(std::isfinite(report.kept));
  }
  Matrix zero(20, 20);
  std::fill(zero.data.begin(), zero.data.end(), 0.0f);
  for (const int search : kSearches) EXPECT_NO_THROW(search_pattern(zero, options(search, 8, 0.5), nullptr));
}

TEST(PatternSearch, RefusesScoresThatAreNoImportance) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -0.5f}) {
    Matrix scores = noise(9, 5, 1);
    scores.at(3, 4) = bad;
    try {
      search_pattern(scores, options(LENO_SEARCH_ALTERNATING, 4, 0.5), nullptr);
      FAIL() << "accepted " << bad;
    } catch (const Error& e) {
      EXPECT_EQ(bad == -0.5f ? LENO_ERR_INVALID_ARGUMENT : LENO_ERR_NOT_FINITE, e.status());
      EXPECT_NE(std::string::npos, std::string(e.what()).find("scores[3][4]")) << e.what();
    }
  }
}

}  // namespace
}  // namespace leno::test
