#include "pack/packed_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "unit/packed_fixture.h"

namespace {

using leno::DType;
using leno::Error;
using leno::PackedWeights;
using leno_test::dense_of;
using leno_test::sample;
using leno_test::Sample;

// The kept weights of w in original order, by the definition of a pattern.
std::vector<bool> mask_of(const leno::Pattern& p) {
  std::vector<bool> mask(size_t(p.rows * p.columns));
  for (int64_t r = 0; r < p.rows; ++r) {
    const int64_t g = r / p.vector;
    for (int64_t i = p.offsets[size_t(g)]; i < p.offsets[size_t(g) + 1]; ++i) {
      mask[size_t(p.permutation[size_t(r)] * p.columns + p.indices[size_t(i)])] = true;
    }
  }
  return mask;
}

struct Shape {
  int64_t rows, columns, vector;
  double density;
  bool shuffled;
};
const Shape kShapes[] = {{16, 24, 4, 0.5, true},     {17, 5, 4, 0.3, true},     {1, 1, 4, 1, false},
                         {3, 7, 8, 0.5, true},       {130, 33, 128, 0.2, true}, {64, 16, 16, 0, true},
                         {20, 70000, 8, 0.01, true}, {33, 9, 32, 1, false},     {96, 64, 16, 0.25, false}};

TEST(PackedWeights, DenseIsTheMaskedMatrixInEachDtype) {
  for (const Shape& s : kShapes) {
    const Sample in = sample(s.rows, s.columns, s.vector, s.density, s.shuffled);
    const std::vector<bool> mask = mask_of(in.pattern);
    for (DType dtype : {DType::f32, DType::bf16, DType::i8, DType::f16, DType::e4m3}) {
      const std::vector<float> out = dense_of(*PackedWeights::pack(in.pattern, in.view(), dtype));
      for (int64_t r = 0; r < s.rows; ++r) {
        double largest = 0;
        for (int64_t c = 0; c < s.columns; ++c) {
          const size_t at = size_t(r * s.columns + c);
          if (mask[at]) largest = std::max(largest, std::fabs(double(in.w[at])));
        }
        for (int64_t c = 0; c < s.columns; ++c) {
          const size_t at = size_t(r * s.columns + c);
          if (!mask[at]) {
            ASSERT_EQ(0, out[at]);
            continue;
          }
          const double bound = dtype == DType::f32    ? 0
                               : dtype == DType::bf16 ? std::fabs(in.w[at]) / 256
                               : dtype == DType::f16  ? std::max(std::fabs(in.w[at]) / 2048., 0x1p-25)
                               : dtype == DType::e4m3 ? std::max(std::fabs(in.w[at]) / 15.99, largest / 448 * 0x1p-10)
                                                      : largest / 127 * 0.5001;
          ASSERT_NEAR(in.w[at], out[at], bound) << name_of(dtype) << " row " << r << " column " << c;
        }
      }
    }
  }
}

TEST(PackedWeights, DenseMatrixIsKeptWhole) {
  for (int64_t rows : {1, 16, 35}) {
    const Sample in = sample(rows, 9, 4, 1, false);
    const auto packed = PackedWeights::pack_dense(in.view(), DType::f32);
    EXPECT_EQ(in.w, dense_of(*packed));
    EXPECT_TRUE(packed->dense());
    EXPECT_EQ(rows * 9, packed->kept_weights());
    EXPECT_EQ(rows * 9 * 4, packed->bytes());
    EXPECT_THROW(packed->pattern(), Error);
  }
}

TEST(PackedWeights, GivesItsPatternBack) {
  for (const Shape& s : kShapes) {
    const Sample in = sample(s.rows, s.columns, s.vector, s.density, s.shuffled);
    const leno::Pattern out = PackedWeights::pack(in.pattern, in.view(), DType::bf16)->pattern();
    EXPECT_EQ(in.pattern.vector, out.vector);
    EXPECT_EQ(in.pattern.permutation, out.permutation);
    EXPECT_EQ(in.pattern.offsets, out.offsets);
    EXPECT_EQ(in.pattern.indices, out.indices);
  }
}

TEST(PackedWeights, ConvertsToOtherTypes) {
  for (const Shape& s : kShapes) {
    const Sample in = sample(s.rows, s.columns, s.vector, s.density, s.shuffled);
    for (const auto& from :
         {PackedWeights::pack(in.pattern, in.view(), DType::f32), PackedWeights::pack_dense(in.view(), DType::i8)}) {
      for (const DType to : {DType::bf16, DType::f16, DType::e4m3}) {
        const auto out = PackedWeights::convert(*from, to);
        EXPECT_EQ(to, out->dtype());
        EXPECT_EQ(from->dtype(), out->converted_from());
        EXPECT_EQ(from->kept_weights(), out->kept_weights());
        EXPECT_EQ(from->dense(), out->dense());
        EXPECT_EQ(from->identity(), out->identity());
        std::vector<float> want(size_t(s.rows * s.columns)), got(want.size()), once(want.size());
        from->to_dense({once.data(), s.rows, s.columns, s.columns});
        const leno::MatrixView<const float> seen{once.data(), s.rows, s.columns, s.columns};
        const auto packed =
            from->dense() ? PackedWeights::pack_dense(seen, to) : PackedWeights::pack(from->pattern(), seen, to);
        packed->to_dense({want.data(), s.rows, s.columns, s.columns});
        out->to_dense({got.data(), s.rows, s.columns, s.columns});
        EXPECT_EQ(want, got);
        EXPECT_EQ(packed->dtype(), packed->converted_from());
      }
    }
  }
}

TEST(PackedWeights, MemoryIsWhatIsPromised) {
  for (int64_t rows : {2, 4, 5, 17, 64, 250, 1536}) {
    for (int64_t vector : {4, 8, 16, 128}) {
      for (bool shuffled : {false, true}) {
        const Sample in = sample(rows, 96, vector, 0.25, shuffled);
        for (DType dtype : {DType::f32, DType::bf16, DType::i8, DType::f16, DType::e4m3}) {
          const auto packed = PackedWeights::pack(in.pattern, in.view(), dtype);
          const int64_t scales = leno::is_scaled(dtype) ? 4 * rows : 0;
          const int64_t promised =
              packed->kept_weights() * size_of(dtype) + 2 * packed->kept_vectors() + 4 * rows + scales;
          EXPECT_LE(packed->bytes(), promised) << rows << " rows, V " << vector << ", " << name_of(dtype);
        }
      }
    }
  }
}

TEST(PackedWeights, ValuesLieColumnByColumnInsideAGroup) {
  Sample in = sample(6, 3, 4, 1, false);
  in.pattern.permutation = {5, 4, 3, 2, 1, 0};
  in.pattern.offsets = {0, 2, 3};
  in.pattern.indices = {0, 2, 1};
  const auto packed = PackedWeights::pack(in.pattern, in.view(), DType::f32);
  EXPECT_EQ(10, packed->kept_weights());
  EXPECT_EQ(2, packed->column(0, 1));
  for (int v = 0; v < 4; ++v) EXPECT_EQ(in.w[size_t((5 - v) * 3 + 2)], packed->values<float>(0, 1)[v]);
  for (int v = 0; v < 2; ++v) EXPECT_EQ(in.w[size_t((1 - v) * 3 + 1)], packed->values<float>(1, 0)[v]);
}

TEST(PackedWeights, RefusesWhatIsNotFinite) {
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    Sample in = sample(8, 8, 4, 0.5, true);
    in.w[8 * 3 + 5] = bad;
    EXPECT_THROW(PackedWeights::pack(in.pattern, in.view(), DType::f32), Error);
    EXPECT_THROW(PackedWeights::pack_dense(in.view(), DType::i8), Error);
  }
}

TEST(PackedWeights, RefusesWhatBf16CannotHold) {
  Sample in = sample(8, 8, 4, 1, false);
  in.w[9] = std::numeric_limits<float>::max();  // rounds to infinity
  try {
    PackedWeights::pack(in.pattern, in.view(), DType::bf16);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(LENO_ERR_NOT_FINITE, e.status());
    EXPECT_THAT(e.what(), testing::HasSubstr("w[1][1] is 3.40282e+38, expected a number that bf16 can hold"));
  }
}

TEST(PackedWeights, RefusesWhatF16CannotHold) {
  Sample in = sample(8, 8, 4, 1, false);
  in.w[9] = 65519;  // rounds to the largest, 65504
  EXPECT_EQ(65504, dense_of(*PackedWeights::pack(in.pattern, in.view(), DType::f16))[9]);
  in.w[9] = 65520;
  try {
    PackedWeights::pack(in.pattern, in.view(), DType::f16);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(LENO_ERR_NOT_FINITE, e.status());
    EXPECT_THAT(e.what(), testing::HasSubstr("w[1][1] is 65520, expected a number that f16 can hold"));
  }
}

TEST(PackedWeights, LargestE4m3OfARowIs448) {
  Sample in = sample(4, 3, 4, 1, false);
  in.w = {1, -2, 4, 0.875, 0.5, 0, -7, 3.5, 1.75, 448, 26, 1};
  const auto packed = PackedWeights::pack(in.pattern, in.view(), DType::e4m3);
  EXPECT_EQ(4.f / 448, packed->scale(0));
  EXPECT_EQ(-7.f, dense_of(*packed)[6]);
  EXPECT_EQ(1.f, packed->scale(3));
  EXPECT_EQ(26.f, dense_of(*packed)[10]);
}

TEST(PackedWeights, ScaledRowsOfZeroTinyAndHugeWeights) {
  Sample in = sample(4, 4, 4, 1, false);
  for (int c = 0; c < 4; ++c) {
    in.w[size_t(c)] = 0;
    in.w[size_t(4 + c)] = c == 0 ? 0.f : 1e-40f;  // 127 / 1e-40 is no float
    in.w[size_t(8 + c)] = std::numeric_limits<float>::denorm_min();
    in.w[size_t(12 + c)] = -std::numeric_limits<float>::max();
  }
  for (DType dtype : {DType::i8, DType::e4m3}) {
    const auto packed = PackedWeights::pack(in.pattern, in.view(), dtype);
    const std::vector<float> out = dense_of(*packed);
    EXPECT_EQ(out, dense_of(*leno_test::read(leno_test::blob_of(*packed))));
    for (int c = 0; c < 4; ++c) {
      EXPECT_EQ(0, out[size_t(c)]);
      EXPECT_NEAR(in.w[size_t(4 + c)], out[size_t(4 + c)], 1e-42);
      EXPECT_NEAR(in.w[size_t(8 + c)], out[size_t(8 + c)], 1e-42);
      EXPECT_NEAR(in.w[size_t(12 + c)], out[size_t(12 + c)], 1e32);
    }
  }
}

}  // namespace
