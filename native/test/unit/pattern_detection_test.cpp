#include <cmath>
#include <limits>

#include "core/error.h"
#include "pattern/detection.h"
#include "pattern_fixture.h"

namespace leno::test {
namespace {

// Exactly the structure asked for: groups of `vector` rows that keep `keep` random columns; values never zero.
Matrix pruned(int64_t rows, int64_t columns, int64_t vector, int64_t keep, bool shuffled, uint32_t seed) {
  return planted(rows, columns, vector, keep, 0.0f, shuffled, seed);
}

// Sets a share of the weights that are there to zero.
void spoil(Matrix& m, double share, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.columns; ++c) {
      if (uniform(random) < share) m.at(r, c) = 0;
    }
  }
}

double nonzero_share(const Matrix& m) {
  double n = 0;
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.columns; ++c) n += m.at(r, c) != 0;
  }
  return n / double(m.rows * m.columns);
}

struct Detected {
  leno_structure_report report{};
  Pattern pattern;
};

Detected detect(const Matrix& m, int vector) {
  Detected d;
  d.pattern = detect_pattern(m, vector, &d.report);
  EXPECT_NO_THROW(check_pattern(d.pattern));
  const std::vector<int> mask = mask_of(d.pattern);
  double stored = 0;
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.columns; ++c) {
      const int held = mask[size_t(r * m.columns + c)];
      stored += held;
      if (m.at(r, c) != 0) {
        EXPECT_EQ(1, held) << "weight " << r << ", " << c << " is lost";
      }
    }
  }
  EXPECT_NEAR(stored / double(m.rows * m.columns), d.report.stored, 1e-12);
  EXPECT_NEAR(1 - nonzero_share(m), d.report.zeros, 1e-12);
  return d;
}

TEST(PatternDetection, FindsEveryVectorSizeAndOrder) {
  for (const int64_t rows : {128, 135, 384}) {
    for (const int vector : {4, 8, 16, 32, 64}) {
      for (const bool shuffled : {false, true}) {
        for (const int wanted : {0, vector}) {
          SCOPED_TRACE(testing::Message()
                       << rows << " rows, V " << vector << ", shuffled " << shuffled << ", wanted " << wanted);
          const Matrix m = pruned(rows, 160, vector, 40, shuffled, 3);
          const Detected d = detect(m, wanted);
          EXPECT_EQ(shuffled ? LENO_STRUCTURE_SHFL_BW : LENO_STRUCTURE_VECTOR_WISE, d.report.structure);
          EXPECT_EQ(vector, d.pattern.vector);
          EXPECT_NEAR(nonzero_share(m), d.report.stored, 1e-12);
        }
      }
    }
  }
}

TEST(PatternDetection, AccidentalZerosDoNotHideTheStructure) {
  for (const int64_t rows : {128, 141}) {
    for (const int vector : {8, 16, 32}) {
      for (const bool shuffled : {false, true}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, V " << vector << ", shuffled " << shuffled);
        Matrix m = pruned(rows, 200, vector, 50, shuffled, 5);
        const double kept = nonzero_share(m);
        spoil(m, 0.03, 6);
        const Detected d = detect(m, 0);
        EXPECT_EQ(shuffled ? LENO_STRUCTURE_SHFL_BW : LENO_STRUCTURE_VECTOR_WISE, d.report.structure);
        EXPECT_EQ(vector, d.pattern.vector);
        EXPECT_NEAR(kept, d.report.stored, 0.01);
      }
    }
  }
}

TEST(PatternDetection, RowsWithoutAWeightJoinAnyGroup) {
  for (const bool shuffled : {false, true}) {
    Matrix m = pruned(160, 120, 16, 30, shuffled, 9);
    for (const int64_t r : {0, 17, 18, 40, 77, 159}) std::fill_n(&m.at(r, 0), m.columns, 0.0f);
    const Detected d = detect(m, 16);
    EXPECT_EQ(shuffled ? LENO_STRUCTURE_SHFL_BW : LENO_STRUCTURE_VECTOR_WISE, d.report.structure);
    EXPECT_LE(d.report.stored, 0.25 + 1e-12);
  }
  // Whole rows pruned: dense rows come together.
  Matrix rows = noise(96, 40, 2);
  for (int64_t r = 0; r < 96; ++r) {
    if (r % 3 != 0) std::fill_n(&rows.at(r, 0), rows.columns, 0.0f);
  }
  const Detected d = detect(rows, 0);
  EXPECT_EQ(LENO_STRUCTURE_SHFL_BW, d.report.structure);
  EXPECT_EQ(64, d.pattern.vector);  // a full group without weights, and a short one that keeps all
  EXPECT_NEAR(1.0 / 3, d.report.stored, 1e-12);
}

TEST(PatternDetection, NestedRowsBelongTogether) {
  // Rows of a group keep the first 20, 19, ... of its 20 columns: nobody equals anybody.
  Matrix m = pruned(64, 100, 16, 20, true, 4);
  for (int64_t r = 0; r < m.rows; ++r) {
    int64_t drop = r % 3;
    for (int64_t c = m.columns - 1; c >= 0 && drop > 0; --c) {
      if (m.at(r, c) != 0) {
        m.at(r, c) = 0;
        --drop;
      }
    }
  }
  const Detected d = detect(m, 16);
  EXPECT_EQ(LENO_STRUCTURE_SHFL_BW, d.report.structure);
  EXPECT_LE(d.report.stored, 0.2 + 1e-12);
}

TEST(PatternDetection, UnstructuredIsCalledSo) {
  for (const double share : {0.02, 0.05, 0.25, 0.5, 0.75, 0.9}) {
    Matrix m = noise(96, 128, 2);
    spoil(m, share, 8);
    SCOPED_TRACE(share);
    const Detected d = detect(m, 0);
    EXPECT_EQ(LENO_STRUCTURE_UNSTRUCTURED, d.report.structure);
    EXPECT_EQ(4, d.pattern.vector);
    EXPECT_GT(d.report.stored, nonzero_share(m));
    EXPECT_EQ(LENO_STRUCTURE_UNSTRUCTURED, detect(m, 16).report.structure);
  }
  // The same zeros per row as a planted structure, at random places.
  Matrix m = pruned(128, 160, 16, 40, true, 3);
  std::mt19937 random(1);
  for (int64_t r = 0; r < m.rows; ++r) std::shuffle(&m.at(r, 0), &m.at(r, 0) + m.columns, random);
  EXPECT_EQ(LENO_STRUCTURE_UNSTRUCTURED, detect(m, 0).report.structure);
}

TEST(PatternDetection, AStructureOfAnotherSizeIsNotClaimed) {
  const Matrix m = pruned(128, 160, 8, 40, true, 3);
  EXPECT_EQ(LENO_STRUCTURE_UNSTRUCTURED, detect(m, 32).report.structure);
  const Detected half = detect(m, 4);
  EXPECT_EQ(LENO_STRUCTURE_SHFL_BW, half.report.structure);
  EXPECT_NEAR(0.25, half.report.stored, 1e-12);
}

TEST(PatternDetection, DenseAndEmptyMatrices) {
  Matrix dense = noise(40, 30, 1);
  EXPECT_EQ(LENO_STRUCTURE_DENSE, detect(dense, 0).report.structure);
  EXPECT_EQ(64, detect(dense, 0).pattern.vector);  // one group: 128 would be the same
  EXPECT_EQ(8, detect(dense, 8).pattern.vector);
  dense.at(3, 3) = 0;
  dense.at(20, 7) = -0.0f;
  EXPECT_EQ(LENO_STRUCTURE_DENSE, detect(dense, 0).report.structure);
  EXPECT_EQ(1.0, detect(dense, 0).report.stored);

  Matrix empty(20, 10);
  std::fill(empty.data.begin(), empty.data.end(), 0.0f);
  const Detected none = detect(empty, 0);
  EXPECT_EQ(LENO_STRUCTURE_VECTOR_WISE, none.report.structure);
  EXPECT_EQ(0, none.pattern.kept_weights());

  Matrix one(1, 1);
  one.at(0, 0) = 2;
  EXPECT_EQ(LENO_STRUCTURE_DENSE, detect(one, 0).report.structure);
}

TEST(PatternDetection, RefusesWhatIsNotFinite) {
  Matrix m = noise(9, 5, 1);
  m.at(8, 1) = std::numeric_limits<float>::infinity();
  try {
    detect_pattern(m, 0, nullptr);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(LENO_ERR_NOT_FINITE, e.status());
    EXPECT_NE(std::string::npos, std::string(e.what()).find("w[8][1]"));
  }
}

}  // namespace
}  // namespace leno::test
