#pragma once

#include <bit>
#include <cstdint>

// Conversions of the small floats, exact; to the small ones round to nearest even.
namespace leno::simt {

inline float float_of_half(uint16_t h) {
  // The exponent's bias is corrected by a product, which also makes subnormals right.
  const uint32_t magnitude = uint32_t(h & 0x7fff) << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  const uint32_t special = (h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | special | uint32_t(h & 0x8000) << 16);
}
inline float float_of_bfloat(uint16_t b) { return std::bit_cast<float>(uint32_t(b) << 16); }
float float_of_e4m3(uint8_t e);

uint16_t half_of_float(float f);
uint16_t bfloat_of_float(float f);
uint8_t e4m3_of_float(float f);  // satfinite: beyond 448 (and infinity) becomes 448; NaN stays NaN

}  // namespace leno::simt
