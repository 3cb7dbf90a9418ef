#include "simt/float_formats.h"

#include <array>
#include <cmath>
#include <limits>

#include "simt/instructions.h"

namespace leno::simt {
namespace {

constexpr uint32_t kInfinity = 0x7f800000;

std::array<float, 256> e4m3_table() {
  std::array<float, 256> table{};
  for (int i = 0; i < 128; ++i) {
    const int exponent = i >> 3, mantissa = i & 7;
    table[static_cast<size_t>(i)] = i == 127        ? std::numeric_limits<float>::quiet_NaN()
                                    : exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                                    : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
    table[static_cast<size_t>(i + 128)] = -table[static_cast<size_t>(i)];
  }
  return table;
}

// magnitude (finite, not negative) in units of the last place of a format with `mantissa` bits and least exponent
// `least`: rounded to even, as a float's bits are counted, so that a carry runs into the exponent.
uint32_t rounded(float magnitude, int mantissa, int least) {
  if (magnitude == 0) return 0;
  int exponent = std::ilogb(magnitude);
  if (exponent < least) exponent = least;
  const double units = std::nearbyint(std::ldexp(static_cast<double>(magnitude), mantissa - exponent));
  // units is below 2^mantissa for subnormals, which the exponent field 0 stands for.
  return static_cast<uint32_t>(exponent - least) * (1u << mantissa) + static_cast<uint32_t>(units);
}

}  // namespace

float float_of_e4m3(uint8_t e) {
  static const std::array<float, 256> table = e4m3_table();
  return table[e];
}

uint16_t half_of_float(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f), magnitude = bits & 0x7fffffff;
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (magnitude > kInfinity) return 0x7fff;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and beyond
  if (magnitude >= 0x38800000) {                      // normal: round the bits, then move the exponent's bias
    const uint32_t even = magnitude >> 13 & 1;
    return static_cast<uint16_t>(sign | ((magnitude + 0xfff + even - 0x38000000) >> 13));
  }
  return static_cast<uint16_t>(sign | rounded(std::bit_cast<float>(magnitude), 10, -14));
}

uint16_t bfloat_of_float(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7fffffff) > kInfinity) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint8_t e4m3_of_float(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f), magnitude = bits & 0x7fffffff;
  const auto sign = static_cast<uint8_t>(bits >> 24 & 0x80);
  if (magnitude > kInfinity) return sign | 0x7f;
  if (std::bit_cast<float>(magnitude) >= 448) return sign | 0x7e;
  const uint32_t r = rounded(std::bit_cast<float>(magnitude), 3, -6);
  return static_cast<uint8_t>(sign | (r > 0x7e ? 0x7e : r));
}

float exp2_approx(float x) {
  const float y = std::exp2(x);
  return y < std::numeric_limits<float>::min() ? 0 : y;  // .ftz
}
float rcp_approx(float x) {
  const float flushed = std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
  const float y = 1 / flushed;
  return std::fabs(y) < std::numeric_limits<float>::min() ? std::copysign(0.0f, y) : y;
}
float rsqrt_approx(float x) {
  const float flushed = std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
  return 1 / std::sqrt(flushed);
}

}  // namespace leno::simt
