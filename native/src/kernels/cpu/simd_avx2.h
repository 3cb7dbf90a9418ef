#pragma once

// Only files compiled for AVX2 or more include this; see simd_avx512.h for the unnamed namespace.
#include <immintrin.h>

#include "core/dtype.h"

namespace leno::kernels {
namespace {

struct Avx2 {
  using Vec = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;
  static constexpr bool kHalves = false;  // as in simd_avx512.h
  using Half = Avx2;

  static Vec zero() { return _mm256_setzero_ps(); }
  static Vec set1(float a) { return _mm256_set1_ps(a); }
  static Vec load(const float* p) { return _mm256_loadu_ps(p); }
  static Vec load(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }  // 0 beyond the first n
  static Vec load(const bf16_t* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static Vec load(const bf16_t* p, int n) {
    bf16_t t[8] = {};
    for (int i = 0; i < n; ++i) t[i] = p[i];
    return load(t);
  }
  static void keep(Vec& v) { asm("" : "+x"(v)); }  // as in simd_avx512.h
  // even and odd elements of 16
  static void load_pairs(const bf16_t* p, Vec& even, Vec& odd) {
    __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    asm("" : "+x"(v));  // as keep
    even = _mm256_castsi256_ps(_mm256_slli_epi32(v, 16));
    odd = _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(-65536)));
  }
  static void store(float* p, Vec a) { _mm256_storeu_ps(p, a); }
  static void store(float* p, Vec a, int n) { _mm256_maskstore_ps(p, first(n), a); }
  static void store(bf16_t* p, Vec a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(a)); }
  static void store(bf16_t* p, Vec a, int n) {
    bf16_t t[8];
    store(t, a);
    for (int i = 0; i < n; ++i) p[i] = t[i];
  }

  static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
  static Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
  static Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
  static Vec round(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // a * 2^n, n integral in [-252, 254]: in two steps, as one power of two has 8 bits of exponent.
  static Vec scale2(Vec a, Vec n) {
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    return mul(mul(a, power(half)), power(_mm256_sub_epi32(whole, half)));
  }

  // Four columns of a block of 8 rows: column[c] lane i = p[i * stride + c].
  __attribute__((always_inline)) static void transpose4(const float* p, int64_t stride, Vec (&column)[4]) {
    Vec q[4];  // half j of q[i]: p[(4 j + i) * stride ...]
    for (int i = 0; i < 4; ++i) {
      q[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + i * stride)),
                                  _mm_loadu_ps(p + (4 + i) * stride), 1);
    }
    const Vec a = _mm256_unpacklo_ps(q[0], q[1]), b = _mm256_unpacklo_ps(q[2], q[3]);
    const Vec c = _mm256_unpackhi_ps(q[0], q[1]), d = _mm256_unpackhi_ps(q[2], q[3]);
    column[0] = _mm256_shuffle_ps(a, b, 0x44);
    column[1] = _mm256_shuffle_ps(a, b, 0xee);
    column[2] = _mm256_shuffle_ps(c, d, 0x44);
    column[3] = _mm256_shuffle_ps(c, d, 0xee);
  }

 private:
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Vec power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static Vec widen(__m128i a) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16)); }
  // As to_bf16: to nearest even, NaN stays NaN.
  static __m128i narrow(Vec v) {
    const __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i r = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(r, quiet, nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  }
};

// Four lanes, for the strips of V = 4: what linear_skinny.h needs.
struct Sse {
  using Vec = __m128;
  static constexpr int kLanes = 4;

  static Vec zero() { return _mm_setzero_ps(); }
  static Vec set1(float a) { return _mm_set1_ps(a); }
  static Vec load(const float* p) { return _mm_loadu_ps(p); }
  static void keep(Vec& v) { asm("" : "+x"(v)); }
  // even and odd elements of 8
  static void load_pairs(const bf16_t* p, Vec& even, Vec& odd) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    even = _mm_castsi128_ps(_mm_slli_epi32(v, 16));
    odd = _mm_castsi128_ps(_mm_and_si128(v, _mm_set1_epi32(-65536)));
  }
  static void store(float* p, Vec a) { _mm_storeu_ps(p, a); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm_fmadd_ps(a, b, c); }
  static Vec add(Vec a, Vec b) { return _mm_add_ps(a, b); }
};

}  // namespace
}  // namespace leno::kernels
