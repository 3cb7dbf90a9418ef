#pragma once

// Only files compiled for the instruction set include this. The unnamed namespace keeps every template over Avx512
// inside its object file: the linker can never pick it for code that runs on lesser machines.
#include <immintrin.h>

#include "core/dtype.h"

namespace leno::kernels {
namespace {

struct Avx512 {
  using Vec = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;

  // The lower half of a vector, where half of the work takes half of the time.
  static constexpr bool kHalves = true;
  struct Half {
    using Vec = __m256;
    static Vec set1(float a) { return _mm256_set1_ps(a); }
    static Vec load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, Vec a) { _mm256_storeu_ps(p, a); }
    static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
    static Vec low(__m512 a) { return _mm512_castps512_ps256(a); }
  };

  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec set1(float a) { return _mm512_set1_ps(a); }
  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  static Vec load(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }  // 0 beyond the first n
  static Vec load(const bf16_t* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static Vec load(const bf16_t* p, int n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
  // In a register: a vector with several uses would be loaded for each, and skinny kernels load more than all else.
  static void keep(Vec& v) { asm("" : "+v"(v)); }
  // even and odd elements of 32
  static void load_pairs(const bf16_t* p, Vec& even, Vec& odd) {
    __m512i v = _mm512_loadu_si512(p);
    asm("" : "+v"(v));  // as keep
    even = _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
    odd = _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(-65536)));
  }
  static void store(float* p, Vec a) { _mm512_storeu_ps(p, a); }
  static void store(float* p, Vec a, int n) { _mm512_mask_storeu_ps(p, first(n), a); }
  static void store(bf16_t* p, Vec a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(a)); }
  static void store(bf16_t* p, Vec a, int n) { _mm256_mask_storeu_epi16(p, first(n), narrow(a)); }
  // A vector of bf16 as it is, 0 beyond the first n.
  static void copy(bf16_t* to, const bf16_t* from, int n) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_maskz_loadu_epi16(first(n), from));
  }

  static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
  static Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  static Vec abs(Vec a) { return _mm512_abs_ps(a); }
  static Vec round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Vec scale2(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }  // a * 2^n, n integral
  // table[low five bits of index], a 64-byte aligned table of 32
  static Vec lookup32(const float* table, Vec index) {
    return _mm512_permutex2var_ps(_mm512_load_ps(table), _mm512_castps_si512(index), _mm512_load_ps(table + 16));
  }

  // Four columns of a block of 16 rows: column[c] lane i = p[i * stride + c]. The quarters come through the load ports,
  // so that a 16 x 16 block takes 32 shuffles, not 64.
  __attribute__((always_inline)) static void transpose4(const float* p, int64_t stride, Vec (&column)[4]) {
    Vec q[4];  // quarter j of q[i]: p[(4 j + i) * stride ...]
    for (int i = 0; i < 4; ++i) {
      const float* row = p + i * stride;
      q[i] = _mm512_castps128_ps512(_mm_loadu_ps(row));
      q[i] = _mm512_insertf32x4(q[i], _mm_loadu_ps(row + 4 * stride), 1);
      q[i] = _mm512_insertf32x4(q[i], _mm_loadu_ps(row + 8 * stride), 2);
      q[i] = _mm512_insertf32x4(q[i], _mm_loadu_ps(row + 12 * stride), 3);
    }
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(q[0], q[1]));
    const __m512d b = _mm512_castps_pd(_mm512_unpacklo_ps(q[2], q[3]));
    const __m512d c = _mm512_castps_pd(_mm512_unpackhi_ps(q[0], q[1]));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(q[2], q[3]));
    column[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
    column[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    column[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
    column[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
  }

 private:
  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
  static Vec widen(__m256i a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16)); }
  // As to_bf16: to nearest even, NaN stays NaN.
  static __m256i narrow(Vec v) {
    const __m512i u = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    const __m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_or_epi32(r, nan, u, _mm512_set1_epi32(0x400000)), 16));
  }
};

}  // namespace
}  // namespace leno::kernels
