#pragma once

#include <cstring>

#include "core/dtype.h"

namespace leno::kernels {
namespace {

// Four lanes in the compiler's own vector type: SSE2 on x86-64, NEON on ARM.
struct Portable {
  typedef float Vec __attribute__((vector_size(16)));
  typedef int32_t Int __attribute__((vector_size(16)));
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 16;
  static constexpr bool kHalves = false;  // as in simd_avx512.h
  using Half = Portable;

  static Vec zero() { return Vec{}; }
  static Vec set1(float a) { return Vec{a, a, a, a}; }
  static Vec load(const float* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static Vec load(const float* p, int n) {  // 0 beyond the first n
    Vec v{};
    for (int i = 0; i < n; ++i) v[i] = p[i];
    return v;
  }
  static Vec load(const bf16_t* p) { return load(p, 4); }
  static Vec load(const bf16_t* p, int n) {
    Vec v{};
    for (int i = 0; i < n; ++i) v[i] = from_bf16(p[i]);
    return v;
  }
  static void keep(Vec&) {}  // compilers fold no loads of four lanes
  // even and odd elements of 8
  static void load_pairs(const bf16_t* p, Vec& even, Vec& odd) {
    for (int i = 0; i < 4; ++i) {
      even[i] = from_bf16(p[2 * i]);
      odd[i] = from_bf16(p[2 * i + 1]);
    }
  }
  static void store(float* p, Vec a) { std::memcpy(p, &a, sizeof a); }
  static void store(float* p, Vec a, int n) {
    for (int i = 0; i < n; ++i) p[i] = a[i];
  }
  static void store(bf16_t* p, Vec a) { store(p, a, 4); }
  static void store(bf16_t* p, Vec a, int n) {
    for (int i = 0; i < n; ++i) p[i] = to_bf16(a[i]);
  }

  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  static Vec add(Vec a, Vec b) { return a + b; }
  static Vec mul(Vec a, Vec b) { return a * b; }
  static Vec div(Vec a, Vec b) { return a / b; }
  static Vec min(Vec a, Vec b) { return a < b ? a : b; }
  static Vec max(Vec a, Vec b) { return a > b ? a : b; }
  // Adding and taking away 1.5 * 2^23 rounds to nearest even, below 2^22.
  static Vec round(Vec a) {
    const Vec big = set1(12582912.f);
    return (a + big) - big;
  }
  // a * 2^n, n integral in [-252, 254]: in two steps, as one power of two has 8 bits of exponent.
  static Vec scale2(Vec a, Vec n) {
    const Int whole = __builtin_convertvector(n, Int), half = whole >> 1;
    return a * power(half) * power(whole - half);
  }

  // Four columns of a block of 4 rows: column[c] lane i = p[i * stride + c].
  static void transpose4(const float* p, int64_t stride, Vec (&column)[4]) {
    const Vec q0 = load(p), q1 = load(p + stride), q2 = load(p + 2 * stride), q3 = load(p + 3 * stride);
    const Vec a = __builtin_shuffle(q0, q1, Int{0, 4, 1, 5}), b = __builtin_shuffle(q2, q3, Int{0, 4, 1, 5});
    const Vec c = __builtin_shuffle(q0, q1, Int{2, 6, 3, 7}), d = __builtin_shuffle(q2, q3, Int{2, 6, 3, 7});
    column[0] = __builtin_shuffle(a, b, Int{0, 1, 4, 5});
    column[1] = __builtin_shuffle(a, b, Int{2, 3, 6, 7});
    column[2] = __builtin_shuffle(c, d, Int{0, 1, 4, 5});
    column[3] = __builtin_shuffle(c, d, Int{2, 3, 6, 7});
  }

 private:
  static Vec power(Int n) {
    const Int bits = (n + 127) << 23;
    Vec v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
  }
};

}  // namespace
}  // namespace leno::kernels
