#pragma once

#include <cstdint>
#include <cstring>

#include "leno/base.h"

namespace leno {

enum class DType : int32_t { f32 = LENO_F32, bf16 = LENO_BF16, i8 = LENO_I8, f16 = LENO_F16, e4m3 = LENO_E4M3 };

constexpr int64_t size_of(DType t) {
  switch (t) {
    case DType::f32:
      return 4;
    case DType::bf16:
    case DType::f16:
      return 2;
    default:
      return 1;
  }
}

constexpr const char* name_of(DType t) {
  switch (t) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::e4m3:
      return "e4m3";
    default:
      return "i8";
  }
}

using bf16_t = uint16_t;

// Round to nearest even, as VCVTNEPS2BF16 does; NaN stays NaN.
inline bf16_t to_bf16(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<bf16_t>((u >> 16) | 0x40);
  u += 0x7fffu + ((u >> 16) & 1u);
  return static_cast<bf16_t>(u >> 16);
}

inline float from_bf16(bf16_t b) {
  const uint32_t u = static_cast<uint32_t>(b) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

}  // namespace leno
