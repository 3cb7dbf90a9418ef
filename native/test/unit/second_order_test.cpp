#include "pattern/second_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "reference/second_order_reference.h"
#include "unit/second_order_data.h"

namespace {

using leno::MatrixView;
using leno::Pattern;
using leno_reference::Vec;
using leno_test::Layer;
using leno_test::make_layer;
using leno_test::options;

struct Pruned {
  Pattern pattern;
  std::vector<float> w;
};

Pruned prune(const Layer& l, const leno_search_options& o, bool cross = false) {
  Pruned p;
  p.w.assign(l.w.size(), NAN);
  p.pattern = leno::prune_second_order(l.problem(cross), o, {p.w.data(), l.rows, l.columns, l.columns});
  leno::check_pattern(p.pattern);
  return p;
}

Vec row_of(const std::vector<float>& w, int64_t r, int64_t columns) {
  return Vec(w.begin() + r * columns, w.begin() + (r + 1) * columns);
}

// |W X_d - V X_s|^2 + ridge |V - W|^2 over the tokens.
double objective(const Layer& l, const std::vector<float>& v, bool cross) {
  double sum = 0;
  for (int64_t r = 0; r < l.rows; ++r) {
    const Vec w = row_of(l.w, r, l.columns), u = row_of(v, r, l.columns);
    for (int64_t t = 0; t < l.tokens; ++t) {
      double error = 0;
      for (int64_t j = 0; j < l.columns; ++j) {
        const size_t at = size_t(t * l.columns + j);
        error += w[size_t(j)] * (cross ? l.dense[at] : l.sparse[at]) - u[size_t(j)] * l.sparse[at];
      }
      sum += error * error;
    }
    for (int64_t j = 0; j < l.columns; ++j)
      sum += l.ridge() * (u[size_t(j)] - w[size_t(j)]) * (u[size_t(j)] - w[size_t(j)]);
  }
  return sum;
}

// Groups of 4 over shuffled rows, with column counts that differ, one of them 0.
Pattern some_pattern(int64_t rows, int64_t columns) {
  Pattern p;
  p.rows = rows;
  p.columns = columns;
  p.vector = 4;
  p.permutation.resize(size_t(rows));
  std::iota(p.permutation.begin(), p.permutation.end(), 0);
  std::mt19937 random(5);
  std::shuffle(p.permutation.begin(), p.permutation.end(), random);
  p.offsets = {0};
  for (int64_t g = 0; g < p.groups(); ++g) {
    for (int32_t c = 0; g != 1 && c < columns; ++c) {
      if (random() % uint32_t(g + 2) == 0) p.indices.push_back(c);
    }
    p.offsets.push_back(int64_t(p.indices.size()));
  }
  leno::check_pattern(p);
  return p;
}

TEST(SecondOrder, UpdateSolvesTheLeastSquaresProblemOfTheTokens) {
  for (bool cross : {false, true}) {
    const Layer l = make_layer(11, 24, 60, 2);
    const Pattern p = some_pattern(l.rows, l.columns);
    std::vector<float> v(l.w.size(), NAN);
    leno::update_second_order(l.problem(cross), p, 1, {v.data(), l.rows, l.columns, l.columns});
    for (int64_t g = 0; g < p.groups(); ++g) {
      const int64_t s = p.kept(g);
      for (int64_t i = 0; i < p.group_rows(g); ++i) {
        const int64_t r = p.permutation[size_t(g * p.vector + i)];
        const Vec w = row_of(l.w, r, l.columns);
        // Tokens above, the ridge below.
        Vec a, b;
        for (int64_t t = 0; t < l.tokens; ++t) {
          double y = 0;
          for (int64_t j = 0; j < l.columns; ++j) {
            y += w[size_t(j)] * (cross ? l.dense : l.sparse)[size_t(t * l.columns + j)];
          }
          b.push_back(y);
          for (int64_t j = 0; j < s; ++j) a.push_back(l.sparse[size_t(t * l.columns + p.group_columns(g)[j])]);
        }
        const double root = std::sqrt(l.ridge());
        for (int64_t k = 0; k < s; ++k) {
          for (int64_t j = 0; j < s; ++j) a.push_back(j == k ? root : 0);
          b.push_back(root * w[size_t(p.group_columns(g)[k])]);
        }
        const Vec truth = leno_reference::least_squares(l.tokens + s, s, a, b);
        Vec full(size_t(l.columns), 0.0);
        for (int64_t j = 0; j < s; ++j) full[size_t(p.group_columns(g)[j])] = truth[size_t(j)];
        for (int64_t j = 0; j < l.columns; ++j) {
          ASSERT_NEAR(full[size_t(j)], v[size_t(r * l.columns + j)], 2e-5) << cross << ' ' << r << ' ' << j;
        }
      }
    }
  }
}

TEST(SecondOrder, GradientOverKeptWeightsIsZero) {
  const Layer l = make_layer(22, 96, 60, 3);  // fewer tokens than inputs
  const Vec a = l.damped();
  for (bool cross : {false, true}) {
    const Pruned p = prune(l, options(8, 0.6), cross);
    for (int64_t g = 0; g < p.pattern.groups(); ++g) {
      for (int64_t i = 0; i < p.pattern.group_rows(g); ++i) {
        const int64_t r = p.pattern.permutation[size_t(g * 8 + i)];
        for (int64_t k = 0; k < p.pattern.kept(g); ++k) {
          const int64_t c = p.pattern.group_columns(g)[k];
          double gradient = 0, size = 0;
          for (int64_t j = 0; j < l.columns; ++j) {
            const double target = cross ? l.cross[size_t(j * l.columns + c)] : l.gram[size_t(j * l.columns + c)];
            const double w = l.w[size_t(r * l.columns + j)], v = p.w[size_t(r * l.columns + j)];
            gradient += v * a[size_t(j * l.columns + c)] - w * (target + (j == c ? l.ridge() : 0));
            size += std::fabs(v * a[size_t(j * l.columns + c)]) + std::fabs(w * target);
          }
          ASSERT_LT(std::fabs(gradient), 1e-6 * size) << r << ' ' << c;
        }
      }
    }
  }
}

TEST(SecondOrder, NeverWorseThanMagnitudeOfTheSameCount) {
  for (uint32_t seed : {1, 2, 3}) {
    const Layer l = make_layer(32, 64, 200, seed);
    for (double sparsity : {0.25, 0.5, 0.75, 0.9}) {
      const Pruned p = prune(l, options(8, sparsity));
      std::vector<float> magnitude = l.w, uncorrected = l.w;
      for (int64_t g = 0; g < 4; ++g) {
        std::vector<std::pair<double, int64_t>> sums;
        for (int64_t c = 0; c < l.columns; ++c) {
          double sum = 0;
          for (int64_t r = 8 * g; r < 8 * g + 8; ++r) sum += std::fabs(l.w[size_t(r * l.columns + c)]);
          sums.push_back({sum, c});
        }
        std::sort(sums.begin(), sums.end());
        for (int64_t i = 0; i < l.columns - p.pattern.kept(g); ++i) {
          for (int64_t r = 8 * g; r < 8 * g + 8; ++r) magnitude[size_t(r * l.columns + sums[size_t(i)].second)] = 0;
        }
      }
      const double ours = objective(l, p.w, false), theirs = objective(l, magnitude, false);
      EXPECT_LT(ours, 0.7 * theirs) << sparsity;
    }
  }
}

TEST(SecondOrder, TowardsTheDenseModelIsNearerToIt) {
  const Layer l = make_layer(16, 48, 400, 9, 0.6);
  const Pruned blind = prune(l, options(4, 0.5), false), seeing = prune(l, options(4, 0.5), true);
  EXPECT_LT(objective(l, seeing.w, true), 0.9 * objective(l, blind.w, true));
}

TEST(SecondOrder, DiagonalGramSelectsByWeightTimesNorm) {
  Layer l = make_layer(10, 40, 1, 6);
  std::fill(l.gram.begin(), l.gram.end(), 0.0f);
  for (int64_t j = 0; j < l.columns; ++j) l.gram[size_t(j * (l.columns + 1))] = float(1 + j % 7);
  const Pruned p = prune(l, options(4, 0.5));
  for (int64_t g = 0; g < p.pattern.groups(); ++g) {
    std::vector<std::pair<double, int32_t>> score;
    for (int32_t c = 0; c < l.columns; ++c) {
      double sum = 0;
      for (int64_t r = 4 * g; r < std::min<int64_t>(4 * g + 4, l.rows); ++r) {
        sum += std::pow(l.w[size_t(r * l.columns + c)], 2) * (l.gram[size_t(c * (l.columns + 1))] + l.ridge());
      }
      score.push_back({-sum, c});
    }
    std::sort(score.begin(), score.end());
    std::vector<int32_t> best;
    for (int64_t i = 0; i < 20; ++i) best.push_back(score[size_t(i)].second);
    std::sort(best.begin(), best.end());
    EXPECT_EQ(best, std::vector<int32_t>(p.pattern.group_columns(g), p.pattern.group_columns(g) + p.pattern.kept(g)));
    // And nothing to correct.
    for (int64_t r = 4 * g; r < std::min<int64_t>(4 * g + 4, l.rows); ++r) {
      for (int32_t c : best) EXPECT_NEAR(l.w[size_t(r * l.columns + c)], p.w[size_t(r * l.columns + c)], 1e-6);
    }
  }
}

TEST(SecondOrder, EliminationIsNearTheBestOfAllColumnSets) {
  double worst = 1, sum = 0;
  int count = 0;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Layer l = make_layer(4, 10, 30, seed);
    const Vec a = l.damped(), w(l.w.begin(), l.w.end());
    for (int64_t keep : {3, 5, 8}) {
      const Pruned p = prune(l, options(4, 1 - double(keep) / 10));
      ASSERT_EQ(keep, p.pattern.kept(0));
      const auto greedy = leno_reference::greedy_elimination(4, 10, w, a, 10 - keep);
      for (int32_t dropped : greedy.order) {
        EXPECT_FALSE(std::binary_search(p.pattern.indices.begin(), p.pattern.indices.end(), dropped)) << seed;
      }
      const double ours = leno_reference::loss_of_keeping(4, 10, w, a, p.pattern.indices);
      const double ratio = ours / leno_reference::best_loss(4, 10, w, a, keep);
      worst = std::max(worst, ratio);
      sum += ratio;
      ++count;
    }
  }
  EXPECT_LT(worst, 2);
  EXPECT_LT(sum / count, 1.1);
}

TEST(SecondOrder, SparsityIsMetExactly) {
  const Layer l = make_layer(39, 50, 80, 4);  // 39 = 4 x 8 + 7
  for (double sparsity : {0.0, 0.3, 0.5, 0.75, 0.99, 0.999}) {
    const int64_t kept = std::llround((1 - sparsity) * 50);
    const Pruned equal = prune(l, options(8, sparsity));
    for (int64_t g = 0; g < equal.pattern.groups(); ++g) EXPECT_EQ(kept, equal.pattern.kept(g));
    // One column's weights are the grain of a threshold over the layer.
    const Pruned layer = prune(l, options(8, sparsity, LENO_BALANCE_LAYER));
    EXPECT_NEAR((1 - sparsity) * 39 * 50, double(layer.pattern.kept_weights()), 4);
    for (const Pruned* p : {&equal, &layer}) {
      for (int64_t g = 0; g < p->pattern.groups(); ++g) {
        std::vector<bool> in(50);
        for (int64_t i = 0; i < p->pattern.kept(g); ++i) in[size_t(p->pattern.group_columns(g)[i])] = true;
        for (int64_t i = 0; i < p->pattern.group_rows(g); ++i) {
          const int64_t r = p->pattern.permutation[size_t(g * 8 + i)];
          for (int64_t c = 0; c < 50; ++c) ASSERT_EQ(in[size_t(c)], p->w[size_t(r * 50 + c)] != 0);
        }
      }
    }
  }
}

TEST(SecondOrder, LayerWideThresholdLosesLessWhereGroupsDiffer) {
  Layer l = make_layer(32, 64, 200, 8);
  for (int64_t i = 0; i < 16 * 64; ++i) l.w[size_t(i)] *= 0.1f;
  EXPECT_LT(objective(l, prune(l, options(8, 0.5, LENO_BALANCE_LAYER)).w, false),
            0.5 * objective(l, prune(l, options(8, 0.5)).w, false));
}

// Rows of two kinds, interleaved: sorted apart, each kind has columns of its own.
TEST(SecondOrder, ShuffleFindsHiddenGroups) {
  Layer l = make_layer(32, 40, 200, 19);
  for (int64_t r = 0; r < l.rows; ++r) {
    for (int64_t c = 0; c < l.columns; ++c) l.w[size_t(r * l.columns + c)] *= (r + c) % 2 == 0 ? 1.0f : 0.01f;
  }
  leno_search_options shuffled = options(8, 0.5);
  shuffled.search = LENO_SEARCH_ALTERNATING;
  for (bool cross : {false, true}) {
    const Pruned p = prune(l, shuffled, cross);
    for (int64_t g = 0; g < 4; ++g) {
      for (int64_t i = 1; i < 8; ++i) {
        EXPECT_EQ(p.pattern.permutation[size_t(8 * g)] % 2, p.pattern.permutation[size_t(8 * g + i)] % 2);
      }
    }
    // Part of the error is the inputs' own, and no weights can take it away.
    const double bound = cross ? 0.7 : 0.5;
    EXPECT_LT(objective(l, p.w, cross), bound * objective(l, prune(l, options(8, 0.5), cross).w, cross));
    shuffled.threads = 3;
    const Pruned q = prune(l, shuffled, cross);
    EXPECT_EQ(p.pattern.permutation, q.pattern.permutation);
    EXPECT_EQ(p.w, q.w);
  }
}

TEST(SecondOrder, NothingDroppedNothingChanged) {
  const Layer l = make_layer(9, 30, 50, 7);
  const Pruned p = prune(l, options(4, 0));
  for (size_t i = 0; i < l.w.size(); ++i) EXPECT_NEAR(l.w[i], p.w[i], 1e-5);
}

TEST(SecondOrder, ResultDoesNotDependOnThreads) {
  const Layer l = make_layer(70, 130, 90, 12);
  for (int balance : {LENO_BALANCE_EQUAL, LENO_BALANCE_LAYER}) {
    const Pruned one = prune(l, options(8, 0.7, balance, 1), true);
    for (int threads : {2, 3, 64}) {
      const Pruned many = prune(l, options(8, 0.7, balance, threads), true);
      EXPECT_EQ(one.pattern.indices, many.pattern.indices);
      EXPECT_EQ(one.pattern.offsets, many.pattern.offsets);
      EXPECT_EQ(one.w, many.w);
    }
  }
}

TEST(SecondOrder, ScaleOfTheInputsDoesNotMatter) {
  Layer l = make_layer(16, 40, 80, 13);
  const Pruned p = prune(l, options(4, 0.5));
  for (float scale : {0x1p-80f, 0x1p+80f}) {
    Layer scaled = l;
    for (float& x : scaled.gram) x *= scale;
    const Pruned q = prune(scaled, options(4, 0.5));
    EXPECT_EQ(p.pattern.indices, q.pattern.indices);
    for (size_t i = 0; i < p.w.size(); ++i) EXPECT_NEAR(p.w[i], q.w[i], 1e-5);
  }
}

TEST(SecondOrder, DeadInputsGoFirst) {
  Layer l = make_layer(8, 40, 80, 14);
  for (int64_t j = 0; j < l.columns; ++j) {
    for (int64_t d = 0; d < 10; ++d) {
      l.gram[size_t(4 * d * l.columns + j)] = l.gram[size_t(j * l.columns + 4 * d)] = 0;
    }
  }
  const Pruned p = prune(l, options(8, 0.5));
  for (int32_t c : p.pattern.indices) EXPECT_NE(0, c % 4);
}

TEST(SecondOrder, GramOfZerosPrunesByMagnitude) {
  Layer l = make_layer(8, 40, 80, 15);
  std::fill(l.gram.begin(), l.gram.end(), 0.0f);
  const Pruned p = prune(l, options(8, 0.5));
  for (int64_t i = 0; i < p.pattern.kept(0); ++i) {
    const size_t c = size_t(p.pattern.group_columns(0)[i]);
    for (size_t r = 0; r < 8; ++r) EXPECT_FLOAT_EQ(l.w[r * 40 + c], p.w[r * 40 + c]);
  }
}

TEST(SecondOrder, OneTokenAndNextToNoDampingStillWork) {
  Layer l = make_layer(8, 60, 1, 16);
  for (double damping : {1e-300, 1e-15, 1e-6, 10.0}) {
    std::vector<float> v(l.w.size(), NAN);
    leno::SecondOrderProblem problem = l.problem(false);
    problem.damping = damping;
    leno::prune_second_order(problem, options(4, 0.5), {v.data(), 8, 60, 60});
    for (float x : v) ASSERT_TRUE(std::isfinite(x)) << damping;
    // Dropping half of 60 inputs of which one token tells can be made up for.
    double norm = 0;
    for (int64_t r = 0; r < 8; ++r) {
      double y = 0;
      for (int64_t j = 0; j < 60; ++j) y += l.w[size_t(r * 60 + j)] * l.sparse[size_t(j)];
      norm += y * y;
    }
    if (damping < 1) {
      EXPECT_LT(objective(l, v, false), norm + l.ridge() * 1e3) << damping;
    }
  }
}

TEST(SecondOrder, RefusesAGramThatIsNone) {
  Layer l = make_layer(4, 20, 40, 17);
  const auto message = [&] {
    std::vector<float> v(l.w.size(), -7);
    try {
      leno::prune_second_order(l.problem(false), options(4, 0.5), {v.data(), 4, 20, 20});
    } catch (const leno::Error& e) {
      EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, e.status());
      for (float x : v) EXPECT_EQ(-7, x);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const std::vector<float> good = l.gram;
  l.gram[3 * 20 + 5] += 1e3f;
  EXPECT_NE(std::string::npos, message().find("gram[5][3]")) << message();
  l.gram = good;
  l.gram[3 * 20 + 3] = -1;
  EXPECT_NE(std::string::npos, message().find("gram[3][3] is -1")) << message();
  l.gram = good;
  l.gram[3 * 20 + 5] = l.gram[5 * 20 + 3] = 1e6f;
  EXPECT_NE(std::string::npos, message().find("not positive semi-definite")) << message();
}

TEST(SecondOrder, ImportanceIsSquareOverInverseDiagonal) {
  const Layer l = make_layer(5, 30, 20, 18);
  const Vec inverse = leno_reference::inverse(l.columns, l.damped());
  std::vector<float> scores(5 * 32, -7);
  leno::second_order_importance(l.weights(), l.gram.data(), 0.01, {scores.data(), 5, 30, 32});
  for (int64_t r = 0; r < 5; ++r) {
    for (int64_t j = 0; j < 30; ++j) {
      const double truth = std::pow(l.w[size_t(r * 30 + j)], 2) / inverse[size_t(j * 31)];
      EXPECT_NEAR(truth, scores[size_t(r * 32 + j)], 1e-5 * truth);
    }
    EXPECT_EQ(-7, scores[size_t(r * 32 + 30)]);
  }
}

}  // namespace
