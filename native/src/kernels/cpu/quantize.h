#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

// How activations become int8, the same in every kernel: per token, symmetric. scale = max |x| / 127 over all K
// features, q = x * (127 / max |x|) to the nearest integer, ties to even; an output is
// (sum of products * scale of the row) * scale of the token, then bias, activation, residual.
// A token that holds a NaN or an infinity has outputs NaN (before the activation). One whose largest magnitude is
// below 2^-120 counts as zero: 127 / max would leave the range of float.
namespace leno::kernels {
namespace {

struct TokenScale {
  float scale;
  float inverse;
};

constexpr uint32_t kInfiniteBits = 0x7f800000, kTinyBits = (127 - 120) << 23;

// largest: the greatest bit pattern of |x| as an integer; for finite numbers, infinity and NaN it grows with them.
inline TokenScale token_scale(uint32_t largest) {
  if (largest >= kInfiniteBits) return {std::numeric_limits<float>::quiet_NaN(), 0.f};
  if (largest < kTinyBits) return {0.f, 0.f};
  float m;
  std::memcpy(&m, &largest, sizeof m);
  return {m / 127.f, 127.f / m};
}

}  // namespace
}  // namespace leno::kernels
