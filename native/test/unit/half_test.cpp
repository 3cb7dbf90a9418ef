#include "core/half.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

// Against the definition: a table of all finite values made with ldexp, and the nearest of them, ties to even bits.
namespace {

// Bits 0 .. count-1 are the magnitudes in ascending order.
std::vector<double> magnitudes(int fraction_bits, int bias, int count) {
  std::vector<double> table;
  for (int bits = 0; bits < count; ++bits) {
    const int exponent = bits >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
    const int leading = exponent > 0 ? 1 << fraction_bits : 0;
    table.push_back(std::ldexp(leading + fraction, std::max(exponent, 1) - bias - fraction_bits));
  }
  return table;
}

// overflow: the bits of what lies half a unit or more beyond the largest.
uint32_t nearest(const std::vector<double>& table, double magnitude, uint32_t overflow) {
  const auto above = static_cast<size_t>(std::upper_bound(table.begin(), table.end(), magnitude) - table.begin());
  const size_t low = above - 1;
  if (above == table.size()) {
    const double unit = table[low] - table[low - 1];
    return magnitude - table[low] >= unit / 2 ? overflow : static_cast<uint32_t>(low);
  }
  const double down = magnitude - table[low], up = table[above] - magnitude;
  const bool to_low = down < up || (down == up && low % 2 == 0);
  return static_cast<uint32_t>(to_low ? low : above);
}

std::vector<float> probes(const std::vector<double>& table) {
  std::vector<float> probes;
  for (size_t i = 0; i < table.size(); ++i) {
    const double next = i + 1 < table.size() ? table[i + 1] : 2 * table[i] - table[i - 1];
    const auto here = static_cast<float>(table[i]), middle = static_cast<float>((table[i] + next) / 2);
    for (const float v : {here, middle}) {
      probes.insert(probes.end(), {v, std::nextafter(v, 0.f), std::nextafter(v, INFINITY)});
    }
  }
  std::mt19937 random(3);
  std::uniform_real_distribution<float> exponent(-40, 20);
  for (int i = 0; i < 100000; ++i) probes.push_back(std::exp2(exponent(random)));
  probes.push_back(std::numeric_limits<float>::max());
  probes.push_back(std::numeric_limits<float>::denorm_min());
  return probes;
}

TEST(Half, F16RoundsToNearestEven) {
  const std::vector<double> table = magnitudes(10, 15, 0x7c00);
  ASSERT_EQ(65504, table.back());
  for (const float v : probes(table)) {
    const uint32_t expected = nearest(table, v, 0x7c00);
    ASSERT_EQ(expected, leno::to_f16(v)) << v;
    ASSERT_EQ(expected | 0x8000, leno::to_f16(-v)) << -v;
  }
}

TEST(Half, F16ComesBack) {
  const std::vector<double> table = magnitudes(10, 15, 0x7c00);
  for (size_t bits = 0; bits < table.size(); ++bits) {
    EXPECT_EQ(table[bits], leno::from_f16(static_cast<uint16_t>(bits)));
    EXPECT_EQ(-table[bits], leno::from_f16(static_cast<uint16_t>(bits | 0x8000)));
  }
  EXPECT_TRUE(std::signbit(leno::from_f16(0x8000)));
  EXPECT_EQ(INFINITY, leno::from_f16(0x7c00));
  EXPECT_EQ(-INFINITY, leno::from_f16(0xfc00));
  EXPECT_TRUE(std::isnan(leno::from_f16(0x7c01)));
  EXPECT_EQ(0x7c00, leno::to_f16(INFINITY));
  EXPECT_TRUE(std::isnan(leno::from_f16(leno::to_f16(NAN))));
}

TEST(Half, E4m3RoundsToNearestEvenAndSaturates) {
  const std::vector<double> table = magnitudes(3, 7, 0x7f);
  ASSERT_EQ(448, table.back());
  for (const float v : probes(table)) {
    const uint32_t expected = nearest(table, v, 0x7e);
    ASSERT_EQ(expected, leno::to_e4m3(v)) << v;
    ASSERT_EQ(expected | 0x80, leno::to_e4m3(-v)) << -v;
  }
  EXPECT_EQ(0x7e, leno::to_e4m3(INFINITY));
  EXPECT_EQ(0xfe, leno::to_e4m3(-INFINITY));
}

TEST(Half, E4m3ComesBack) {
  const std::vector<double> table = magnitudes(3, 7, 0x7f);
  for (size_t bits = 0; bits < table.size(); ++bits) {
    EXPECT_EQ(table[bits], leno::from_e4m3(static_cast<uint8_t>(bits)));
    EXPECT_EQ(-table[bits], leno::from_e4m3(static_cast<uint8_t>(bits | 0x80)));
  }
  EXPECT_TRUE(std::isnan(leno::from_e4m3(0x7f)));
  EXPECT_TRUE(std::isnan(leno::from_e4m3(0xff)));
  EXPECT_EQ(0x7f, leno::to_e4m3(NAN) & 0x7f);
}

}  // namespace
