#pragma once

#include <bit>
#include <cstdint>

namespace leno {

using f16_t = uint16_t;  // IEEE binary16
using e4m3_t = uint8_t;  // OCP 8-bit float, 4 exponent bits, no infinities: largest 448, NaN 0x7f and 0xff

// Magnitude to the nearest multiple of 2^lsb, ties to even, in units of that. Adding and taking away 1.5 * 2^23 units
// rounds in the addition itself.
inline float round_to_multiple(float magnitude, int lsb) {
  const float shift = std::bit_cast<float>(static_cast<uint32_t>(lsb + 23 + 127) << 23) * 1.5f;
  return (magnitude + shift) - shift;
}

// Round to nearest even; beyond 65504 by half a unit or more it is infinity; NaN stays NaN.
inline f16_t to_f16(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f), magnitude = bits & 0x7fffffffu;
  const auto sign = static_cast<uint32_t>(bits >> 16 & 0x8000u);
  if (magnitude > 0x7f800000u) return static_cast<f16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<f16_t>(sign | 0x7c00u);  // 65536 and more
  if (magnitude < 0x38800000u) {                                            // below 2^-14: multiples of 2^-24
    const float units = round_to_multiple(std::bit_cast<float>(magnitude), -24) * 0x1p24f;
    return static_cast<f16_t>(sign | static_cast<uint32_t>(units));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<f16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

inline float from_f16(f16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16, exponent = h >> 10 & 0x1fu, fraction = h & 0x3ffu;
  if (exponent == 0) {
    const float tiny = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -tiny : tiny;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

// Round to nearest even; what is beyond 448 becomes 448, infinities too, as cvt.rn.satfinite does; NaN stays NaN.
inline e4m3_t to_e4m3(float f) {
  const uint32_t bits = std::bit_cast<uint32_t>(f), magnitude = bits & 0x7fffffffu;
  const auto sign = static_cast<uint32_t>(bits >> 24 & 0x80u);
  if (magnitude > 0x7f800000u) return static_cast<e4m3_t>(sign | 0x7fu);
  if (magnitude < 0x3c800000u) {  // below 2^-6: multiples of 2^-9
    const float units = round_to_multiple(std::bit_cast<float>(magnitude), -9) * 0x1p9f;
    return static_cast<e4m3_t>(sign | static_cast<uint32_t>(units));
  }
  if (magnitude >= 0x43e00000u) return static_cast<e4m3_t>(sign | 0x7eu);  // 448 and more
  const uint32_t rounded = magnitude + 0x7ffffu + (magnitude >> 20 & 1u);
  return static_cast<e4m3_t>(sign | ((rounded - 0x3c000000u) >> 20));
}

inline float from_e4m3(e4m3_t e) {
  const uint32_t sign = static_cast<uint32_t>(e & 0x80u) << 24, exponent = e >> 3 & 0xfu, fraction = e & 7u;
  if ((e & 0x7fu) == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (exponent == 0) {
    const float tiny = static_cast<float>(fraction) * 0x1p-9f;
    return sign != 0 ? -tiny : tiny;
  }
  return std::bit_cast<float>(sign | (exponent + 120) << 23 | fraction << 20);
}

}  // namespace leno
