#include "simt/float_formats.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "simt_test.h"

namespace leno::simt {
namespace {

// The value of a format's bits, from its definition.
double value(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1),
                 exponent = bits >> mantissa_bits & ((1u << exponent_bits) - 1);
  const double sign = bits >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  if (exponent == 0) return sign * mantissa * std::pow(2.0, 1 - bias - mantissa_bits);
  return sign * (1 + mantissa * std::pow(2.0, -mantissa_bits)) * std::pow(2.0, static_cast<int>(exponent) - bias);
}

// Nearest by exhaustive search among the finite values, ties to the even one.
uint32_t nearest(double x, int exponent_bits, int mantissa_bits, uint32_t last_finite) {
  uint32_t low = 0, high = last_finite;  // values ascend with the bits
  const double magnitude = std::fabs(x);
  while (low < high) {
    const uint32_t middle = (low + high + 1) / 2;
    if (value(middle, exponent_bits, mantissa_bits) <= magnitude) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  uint32_t best = low;
  if (low < last_finite) {
    const double down = magnitude - value(low, exponent_bits, mantissa_bits);
    const double up = value(low + 1, exponent_bits, mantissa_bits) - magnitude;
    if (up < down || (up == down && low % 2)) best = low + 1;
  }
  return best | static_cast<uint32_t>(std::signbit(x)) << (exponent_bits + mantissa_bits);
}

std::vector<float> samples() {
  std::vector<float> all;
  std::mt19937 random(3);
  for (int i = 0; i < 200000; ++i) {
    const uint32_t bits = random();
    all.push_back(
        std::ldexp(static_cast<float>(static_cast<int32_t>(bits)) / 0x1p31f, static_cast<int>(random() % 50) - 30));
  }
  for (uint32_t h = 0; h < 0x7c00; h += 3) {  // ties and their neighbours
    const auto tie = static_cast<float>((value(h, 5, 10) + value(h + 1, 5, 10)) / 2);
    for (const float f : {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, 1e30f), -tie}) all.push_back(f);
  }
  for (uint32_t e = 0; e < 0x7e; ++e) {
    const auto tie = static_cast<float>((value(e, 4, 3) + value(e + 1, 4, 3)) / 2);
    for (const float f : {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, 1e30f), -tie}) all.push_back(f);
  }
  return all;
}

TEST(FloatFormats, HalfToFloatIsExact) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const float f = float_of_half(static_cast<uint16_t>(h));
    if ((h & 0x7c00) != 0x7c00) {
      ASSERT_EQ(f, value(h, 5, 10)) << h;
      ASSERT_EQ(std::signbit(f), h >> 15 != 0);
      ASSERT_EQ(half_of_float(f), h);
    } else if (h & 0x3ff) {
      ASSERT_TRUE(std::isnan(f)) << h;
    } else {
      ASSERT_EQ(f, h >> 15 ? -INFINITY : INFINITY);
      ASSERT_EQ(half_of_float(f), h);
    }
  }
}
TEST(FloatFormats, FloatToHalfRoundsToNearestEven) {
  for (const float f : samples()) {
    if (std::fabs(f) < 65520) {
      ASSERT_EQ(half_of_float(f), nearest(f, 5, 10, 0x7bff)) << f;
    } else {
      ASSERT_EQ(half_of_float(f), f < 0 ? 0xfc00 : 0x7c00) << f;
    }
  }
  EXPECT_EQ(half_of_float(65519.996f), 0x7bff);
  EXPECT_EQ(half_of_float(65520), 0x7c00);
  EXPECT_EQ(half_of_float(-INFINITY), 0xfc00);
  EXPECT_TRUE(std::isnan(float_of_half(half_of_float(NAN))));
}
TEST(FloatFormats, BFloat) {
  for (uint32_t b = 0; b < 0x7f80; ++b) ASSERT_EQ(bfloat_of_float(float_of_bfloat(static_cast<uint16_t>(b))), b);
  EXPECT_EQ(bfloat_of_float(1.0f + 0x1p-8f), 0x3f80);             // tie to even, down
  EXPECT_EQ(bfloat_of_float(1.0f + 3 * 0x1p-8f), 0x3f82);         // tie to even, up
  EXPECT_EQ(bfloat_of_float(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);  // beyond the tie
  EXPECT_EQ(bfloat_of_float(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(bfloat_of_float(-INFINITY), 0xff80);
  EXPECT_TRUE(std::isnan(float_of_bfloat(bfloat_of_float(NAN))));
  for (const float f : samples()) {
    if (std::fabs(f) > 1e-30f) {
      ASSERT_LE(std::fabs(float_of_bfloat(bfloat_of_float(f)) - f), std::fabs(f) * 0x1p-8f);
    }
  }
}
TEST(FloatFormats, E4M3) {
  for (uint32_t e = 0; e < 256; ++e) {
    const float f = float_of_e4m3(static_cast<uint8_t>(e));
    if ((e & 0x7f) == 0x7f) {
      ASSERT_TRUE(std::isnan(f));
    } else {
      ASSERT_EQ(f, value(e, 4, 3)) << e;
      ASSERT_EQ(e4m3_of_float(f), e);
    }
  }
  for (const float f : samples()) {
    if (std::fabs(f) <= 448) {
      ASSERT_EQ(e4m3_of_float(f), nearest(f, 4, 3, 0x7e)) << f;
    } else {
      ASSERT_EQ(e4m3_of_float(f), f < 0 ? 0xfe : 0x7e) << f;
    }
  }
  EXPECT_EQ(e4m3_of_float(INFINITY), 0x7e);
  EXPECT_EQ(e4m3_of_float(-1e9f), 0xfe);
  EXPECT_EQ(e4m3_of_float(NAN) & 0x7f, 0x7f);
}
TEST(FloatFormats, PackAndUnpack) {
  const Report report = run(32, 0, {}, [] {
    EXPECT_EQ(ptx::pack({1.0f, -2.0f}, ptx::Half{}), 0xc0003c00u);
    EXPECT_EQ(ptx::pack({1.0f, -2.0f}, ptx::BFloat{}), 0xc0003f80u);
    EXPECT_EQ(ptx::pack({1.0f, -2.0f}, ptx::E4M3{}), 0xc038u);
    const ptx::Floats2 h = ptx::unpack(0xc0003c00u, ptx::Half{}), b = ptx::unpack(0xc0003f80u, ptx::BFloat{});
    EXPECT_EQ(h.lo, 1.0f);
    EXPECT_EQ(h.hi, -2.0f);
    EXPECT_EQ(b.lo, 1.0f);
    EXPECT_EQ(b.hi, -2.0f);
    EXPECT_EQ(ptx::bits_float(ptx::float_bits(3.25f)), 3.25f);
    EXPECT_FLOAT_EQ(ptx::exp2_approx(3.5f), 11.3137085f);
    EXPECT_EQ(ptx::exp2_approx(-140), 0);
    EXPECT_EQ(ptx::rcp_approx(4), 0.25f);
    EXPECT_EQ(ptx::rsqrt_approx(4), 0.5f);
  });
  EXPECT_TRUE(report.ok) << report.what;
}
TEST(FloatFormats, PacksThatOlderCardsLack) {
  Options options;
  options.arch = 75;
  expect_report("cvt.rn.bf16x2 needs sm_80", 32, 0, options, [] { ptx::pack({1, 2}, ptx::BFloat{}); });
  options.arch = 80;
  expect_report("e4m3x2 needs sm_89", 32, 0, options, [] { ptx::pack({1, 2}, ptx::E4M3{}); });
}

}  // namespace
}  // namespace leno::simt
