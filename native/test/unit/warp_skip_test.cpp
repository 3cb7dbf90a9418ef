#include "pattern/warp_skip.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error.h"
#include "pattern_fixture.h"
#include "unit/second_order_data.h"

namespace leno::test {
namespace {

leno_search_options warp_skip(int unit, double sparsity, int balance, DType memory) {
  leno_search_options o = options(LENO_SEARCH_IDENTITY, unit, sparsity, balance);
  o.family = LENO_FAMILY_WARP_SKIP;
  o.memory_dtype = static_cast<int32_t>(memory);
  return o;
}

struct Block {
  double sum, weights;
};

// What each block of unit x run weights is worth, by the definition; unit by unit.
std::vector<std::vector<Block>> blocks_of(const Matrix& s, int64_t unit, int64_t run) {
  std::vector<std::vector<Block>> blocks;
  for (int64_t r = 0; r < s.rows; r += unit) {
    blocks.emplace_back();
    for (int64_t c = 0; c < s.columns; c += run) {
      const int64_t rows = std::min(unit, s.rows - r), columns = std::min(run, s.columns - c);
      double sum = 0;
      for (int64_t i = 0; i < rows * columns; ++i) sum += s.at(r + i / columns, c + i % columns);
      blocks.back().push_back({sum, double(rows * columns)});
    }
  }
  return blocks;
}

// The most that blocks can keep.
double best(const Matrix& s, int64_t unit, int64_t run, double density, int balance) {
  std::vector<std::vector<Block>> units = blocks_of(s, unit, run);
  std::vector<Block> layer;
  double kept = 0;
  for (std::vector<Block>& blocks : units) {
    layer.insert(layer.end(), blocks.begin(), blocks.end());
    std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.sum > b.sum; });
    for (int64_t i = 0; i < std::llround(density * double(blocks.size())); ++i) kept += blocks[size_t(i)].sum;
  }
  if (balance == LENO_BALANCE_EQUAL) return kept;
  std::sort(layer.begin(), layer.end(),
            [](const Block& a, const Block& b) { return a.sum / a.weights > b.sum / b.weights; });
  const double target = density * double(s.rows * s.columns);
  double weights = kept = 0;
  for (const Block& b : layer) {
    if (std::fabs(weights + b.weights - target) > std::fabs(weights - target)) break;
    weights += b.weights;
    kept += b.sum;
  }
  return kept;
}

TEST(WarpSkip, MemoryUnitIsASector) {
  EXPECT_EQ(1, memory_columns(8, DType::f32));
  EXPECT_EQ(2, memory_columns(8, DType::f16));
  EXPECT_EQ(1, memory_columns(16, DType::bf16));
  EXPECT_EQ(4, memory_columns(8, DType::e4m3));
  EXPECT_EQ(2, memory_columns(16, DType::i8));
  EXPECT_EQ(1, memory_columns(128, DType::i8));
}

// Scores whose runs of columns differ, so that the short last run and the short last unit come at any rank.
TEST(WarpSkip, KeepsTheBestUnitsInWholeSectors) {
  struct Shape {
    int64_t rows, columns;
  };
  for (const Shape s : {Shape{64, 48}, Shape{70, 33}, Shape{5, 9}, Shape{133, 30}, Shape{3, 2}}) {
    const Matrix scores = noise(s.rows, s.columns, uint32_t(s.rows));
    for (const int unit : {8, 16, 32, 64, 128}) {
      for (const DType memory : {DType(0), DType::f32, DType::f16, DType::e4m3}) {
        for (const int balance : {LENO_BALANCE_EQUAL, LENO_BALANCE_LAYER}) {
          for (const double sparsity : {0.0, 0.4, 0.75, 0.99}) {
            SCOPED_TRACE(testing::Message() << s.rows << " x " << s.columns << " unit " << unit << " memory "
                                            << int(memory) << " balance " << balance << " sparsity " << sparsity);
            const int64_t run = memory == DType(0) ? 1 : memory_columns(unit, memory);
            leno_search_report report{};
            const Pattern p = search_pattern(scores, warp_skip(unit, sparsity, balance, memory), &report);
            ASSERT_NO_THROW(check_pattern(p));
            EXPECT_EQ(PatternFamily::warp_skip, p.family);
            EXPECT_EQ(run, p.memory_columns);
            EXPECT_TRUE(p.is_identity());
            const std::vector<int> mask = mask_of(p);
            for (int64_t i = 0; i < s.rows * s.columns; ++i) {  // one answer for all of a block
              const int64_t r = i / s.columns, c = i % s.columns;
              EXPECT_EQ(mask[size_t(r / unit * unit * s.columns + c / run * run)], mask[size_t(i)]);
            }
            EXPECT_NEAR(best(scores, unit, run, 1 - sparsity, balance), report.kept, 1e-6 * report.total);
            EXPECT_EQ(report.kept, report.identity);
            if (sparsity == 0) {
              EXPECT_EQ(s.rows * s.columns, p.kept_weights());
            }
          }
        }
      }
    }
  }
}

TEST(WarpSkip, FinerUnitsKeepMore) {
  const Matrix scores = noise(256, 96, 5);
  double last = 0;
  for (const int unit : {128, 64, 32, 16, 8}) {
    leno_search_report report{};
    search_pattern(scores, warp_skip(unit, 0.75, LENO_BALANCE_LAYER, DType(0)), &report);
    EXPECT_GT(report.kept, last);
    last = report.kept;
  }
}

// With a diagonal Gram matrix nothing can be made up for, so the best sectors are those of the largest squares.
TEST(WarpSkip, SecondOrderDropsWholeSectors) {
  leno_test::Layer l = leno_test::make_layer(20, 41, 1, 6);
  std::fill(l.gram.begin(), l.gram.end(), 0.0f);
  for (int64_t j = 0; j < l.columns; ++j) l.gram[size_t(j * (l.columns + 1))] = float(1 + j % 7);
  Matrix loss(l.rows, l.columns);
  for (int64_t r = 0; r < l.rows; ++r) {
    for (int64_t c = 0; c < l.columns; ++c) {
      loss.at(r, c) = float(std::pow(l.w[size_t(r * l.columns + c)], 2) * (1 + c % 7 + l.ridge()));
    }
  }
  std::vector<float> updated(l.w.size());
  const MatrixView<float> out{updated.data(), l.rows, l.columns, l.columns};
  for (const DType memory : {DType::f16, DType::i8}) {
    const leno_search_options o = warp_skip(8, 0.5, LENO_BALANCE_EQUAL, memory);
    const Pattern p = prune_second_order(l.problem(false), o, out);
    ASSERT_NO_THROW(check_pattern(p));
    EXPECT_EQ(memory_columns(8, memory), p.memory_columns);
    // The last sector is one column wide: by loss per column it may go where the best choice by sums keeps it.
    const double most = best(loss, 8, p.memory_columns, 0.5, LENO_BALANCE_EQUAL);
    EXPECT_GT(kept_by_definition(p, loss), 0.97 * most);
  }
}

TEST(WarpSkip, SecondOrderOverTheLayerMeetsTheSparsity) {
  const leno_test::Layer l = leno_test::make_layer(67, 50, 120, 3);
  std::vector<float> updated(l.w.size());
  const MatrixView<float> out{updated.data(), l.rows, l.columns, l.columns};
  for (const double sparsity : {0.0, 0.3, 0.75, 0.9}) {
    for (const DType memory : {DType(0), DType::f16, DType::i8}) {
      const leno_search_options o = warp_skip(8, sparsity, LENO_BALANCE_LAYER, memory);
      const Pattern p = prune_second_order(l.problem(true), o, out);
      ASSERT_NO_THROW(check_pattern(p));
      EXPECT_NEAR((1 - sparsity) * double(l.rows * l.columns), double(p.kept_weights()), 8.0 * 4 + 8);
      const std::vector<int> mask = mask_of(p);
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] == 0) {
          EXPECT_EQ(0, updated[i]);
        }
      }
    }
  }
}

std::string refusal(const Pattern& p, int64_t run) {
  try {
    to_warp_skip(p, run);
  } catch (const Error& e) {
    EXPECT_EQ(LENO_ERR_INVALID_ARGUMENT, e.status());
    return e.what();
  }
  return "nothing was refused";
}

TEST(WarpSkip, RefusesWhatNoGpuSkips) {
  Pattern p;
  p.rows = 16;
  p.columns = 7;
  p.vector = 8;
  for (int32_t r = 0; r < 16; ++r) p.permutation.push_back(r);
  p.offsets = {0, 2, 5};
  p.indices = {2, 3, 0, 1, 6};
  EXPECT_EQ(2, to_warp_skip(p, 2).memory_columns);
  EXPECT_THAT(refusal(p, 4),
              testing::HasSubstr("group 0 keeps column 2 without all of 0 .. 3, expected whole runs of 4"));
  EXPECT_THAT(refusal(p, 3), testing::HasSubstr("memory_columns is 3, expected a power of two"));
  EXPECT_THAT(refusal(p, 8), testing::HasSubstr("memory_columns is 8"));
  Pattern broken = p;
  broken.indices[4] = 5;
  EXPECT_THAT(refusal(broken, 2), testing::HasSubstr("group 1 keeps column 5 without all of 4 .. 5"));
  Pattern permuted = p;
  std::swap(permuted.permutation[0], permuted.permutation[9]);
  EXPECT_THAT(refusal(permuted, 1), testing::HasSubstr("the pattern's rows are permuted"));
  Pattern low = p;
  low.vector = 4;
  low.offsets = {0, 2, 2, 5, 5};
  EXPECT_THAT(refusal(low, 1), testing::HasSubstr("vector is 4, expected at least 8"));
  p.memory_columns = 2;
  EXPECT_THROW(check_pattern(p), Error);  // Shfl-BW has no memory units
}

}  // namespace
}  // namespace leno::test
