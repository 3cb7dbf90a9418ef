#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/dtype.h"

// Floats for tests: bits to value and back, round to nearest even, written from the formats' definitions.
namespace leno_test {

struct SmallFloat {
  int exponent_bits, mantissa_bits;
  bool infinities;  // else the largest exponent holds numbers, all ones alone being NaN
};

inline SmallFloat format_of(leno::DType type) {
  if (type == leno::DType::f16) return {5, 10, true};
  if (type == leno::DType::e4m3) return {4, 3, false};
  if (type == leno::DType::f32) return {8, 23, true};
  return {8, 7, true};
}

inline double decode(leno::DType type, uint32_t bits) {
  const SmallFloat f = format_of(type);
  const int bias = (1 << (f.exponent_bits - 1)) - 1, most = (1 << f.exponent_bits) - 1,
            ones = (1 << f.mantissa_bits) - 1;
  const int exponent = int(bits >> f.mantissa_bits) & most, mantissa = int(bits) & ones;
  const double sign = bits >> (f.exponent_bits + f.mantissa_bits) & 1 ? -1 : 1;
  if (exponent == most && f.infinities) return mantissa != 0 ? NAN : sign * INFINITY;
  if (exponent == most && mantissa == ones) return NAN;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - f.mantissa_bits);
  return sign * std::ldexp(mantissa + ones + 1, exponent - bias - f.mantissa_bits);
}

// The nearest value of the format; beyond its largest, infinity, or the largest where there is none.
inline double round_to(leno::DType type, double v) {
  if (v == 0 || !std::isfinite(v)) return v;
  const SmallFloat f = format_of(type);
  const int bias = (1 << (f.exponent_bits - 1)) - 1;
  int exponent;
  std::frexp(v, &exponent);
  const int unit = std::max(exponent - 1, 1 - bias) - f.mantissa_bits;  // exponent of the last place
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(v, -unit)), unit);
  const double largest = f.infinities ? std::ldexp(2 - std::ldexp(1, -f.mantissa_bits), bias) : 448;
  if (std::fabs(rounded) <= largest) return rounded;
  return std::copysign(f.infinities ? double(INFINITY) : largest, v);
}

inline uint32_t encode(leno::DType type, double v) {
  const SmallFloat f = format_of(type);
  const int bias = (1 << (f.exponent_bits - 1)) - 1, most = (1 << f.exponent_bits) - 1;
  const uint32_t sign = uint32_t(std::signbit(v)) << (f.exponent_bits + f.mantissa_bits);
  const double r = std::fabs(round_to(type, v));
  if (std::isnan(r)) return sign + (uint32_t(1) << (f.exponent_bits + f.mantissa_bits)) - 1;
  if (std::isinf(r)) return sign | uint32_t(most) << f.mantissa_bits;
  if (r < std::ldexp(1, 1 - bias)) return sign | uint32_t(std::ldexp(r, bias - 1 + f.mantissa_bits));
  int exponent;
  const double mantissa = 2 * std::frexp(r, &exponent) - 1;
  return sign | uint32_t(exponent - 1 + bias) << f.mantissa_bits | uint32_t(std::ldexp(mantissa, f.mantissa_bits));
}

}  // namespace leno_test
