#pragma once

#include <cmath>
#include <cstring>

#include "kernels/cpu/layer_norm.h"

// The body of layer normalisation, written with the compiler's vector types: compiled once by the file of each
// instruction set at that set's width, hence the unnamed namespace.
namespace leno::kernels::cpu {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

struct Lanes {
  static constexpr int kCount = kBytes / 4;
  typedef float F32 __attribute__((vector_size(kBytes)));
  typedef uint32_t U32 __attribute__((vector_size(kBytes)));
  typedef uint16_t U16 __attribute__((vector_size(kBytes / 2)));

  static F32 load(const float* p) {
    F32 v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static F32 load(const bf16_t* p) {
    U16 narrow;
    std::memcpy(&narrow, p, sizeof narrow);
    return reinterpret_cast<F32>(__builtin_convertvector(narrow, U32) << 16);
  }
  static void store(float* p, F32 v) { std::memcpy(p, &v, sizeof v); }
  static void store(bf16_t* p, F32 v) {  // as to_bf16
    const U32 u = reinterpret_cast<U32>(v);
    const U32 rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    const U32 is_nan = reinterpret_cast<U32>((u & 0x7fffffffu) > 0x7f800000u);
    const U16 narrow = __builtin_convertvector((is_nan & ((u >> 16) | 0x40u)) | (~is_nan & rounded), U16);
    std::memcpy(p, &narrow, sizeof narrow);
  }
  static float sum(F32 v) {
    float s[kCount];
    std::memcpy(s, &v, sizeof s);
    for (int width = kCount / 2; width > 0; width /= 2) {
      for (int i = 0; i < width; ++i) s[i] += s[i + width];
    }
    return s[0];
  }
};

inline float load1(const float* p) { return *p; }
inline float load1(const bf16_t* p) { return from_bf16(*p); }
inline void store1(float* p, float v) { *p = v; }
inline void store1(bf16_t* p, float v) { *p = to_bf16(v); }

// Sum over a row of (y - centre)^kPower, in four chains, since an addition waits four cycles for the one before it.
template <int kPower, class T>
float row_sum(const T* y, int64_t n, float centre) {
  using L = Lanes;
  L::F32 sums[4] = {};
  int64_t i = 0;
  const auto add = [&](int chain) {
    const L::F32 d = L::load(y + i) - centre;
    sums[chain] += kPower == 1 ? d : d * d;
    i += L::kCount;
  };
  while (i + 4 * L::kCount <= n) {
    for (int chain = 0; chain < 4; ++chain) add(chain);
  }
  while (i + L::kCount <= n) add(0);
  float total = L::sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; ++i) {
    const float d = load1(y + i) - centre;
    total += kPower == 1 ? d : d * d;
  }
  return total;
}

template <class T>
void layer_norm(const LayerNorm& norm, void* data, int64_t ldy, int64_t tokens) noexcept {
  using L = Lanes;
  const int64_t n = norm.features;
  for (int64_t t = 0; t < tokens; ++t) {
    T* y = static_cast<T*>(data) + t * ldy;
    const float mean = row_sum<1>(y, n, 0.f) / static_cast<float>(n);
    const float variance = row_sum<2>(y, n, mean) / static_cast<float>(n);
    const float scale = 1 / std::sqrt(variance + norm.epsilon);
    int64_t i = 0;
    for (; i + L::kCount <= n; i += L::kCount) {
      L::store(y + i, (L::load(y + i) - mean) * scale * L::load(norm.gain + i) + L::load(norm.shift + i));
    }
    for (; i < n; ++i) store1(y + i, (load1(y + i) - mean) * scale * norm.gain[i] + norm.shift[i]);
  }
}

}  // namespace
}  // namespace leno::kernels::cpu
