#pragma once

#include "kernels/cpu/dot_panel.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/simd_avx512.h"

// From the sums of a block of tiles (16 rows x 16 tokens each, 32-bit) to y: scales (int8), bias, activation, residual.
namespace leno::kernels {
namespace {

struct Avx512Dot : Avx512 {
  using Avx512::store;
  static void store(bf16_t* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(a));
  }
  static void store(bf16_t* p, Vec a, int n) {
    _mm256_mask_storeu_epi16(p, first_lanes(n), (__m256i)_mm512_cvtneps_pbh(a));
  }
};

// Sums to floats before the epilogue. int8: (sum * scale of the row) * scale of the token, in this order everywhere.
struct SumsF32 {
  static __m512 line(__m512i sums, __m512, __m512) { return _mm512_castsi512_ps(sums); }
};
struct SumsI32 {
  static __m512 line(__m512i sums, __m512 row_scale, __m512 token_scale) {
    return _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), row_scale), token_scale);
  }
};

template <class Sums, class IO>
class Writeback {
 public:
  // token_scales: one per token of the call's token block, the first belonging to `first_token`; int8 only.
  // transposed: [rows][stride] floats to collect permuted rows in, or nullptr.
  Writeback(const DotWeights& w, const LinearSpec& spec, const LinearCall& call, const float* token_scales,
            int64_t first_token, float* transposed, int64_t stride)
      : w_(w),
        out_(spec, call),
        bias_(spec.bias),
        token_scales_(token_scales),
        first_token_(first_token),
        collected_(transposed),
        stride_(stride) {}

  // Up to 2 x 16 rows of 16 tokens: sums[r * stride + t], packed rows [row, row + rows), tokens [token, token +
  // tokens).
  void block(const int32_t* sums, int64_t stride, int64_t row, int rows, int64_t token, int tokens) const {
    if (out_.layout == Layout::feature_major) return features(sums, stride, row, rows, token, tokens);
    if (w_.permutation.empty()) return tokens_in_order(sums, stride, row, rows, token, tokens);
    if (collected_ != nullptr) return collect(sums, stride, row, rows, token);
    for (int r = 0; r < rows; r += 16) {
      scatter(sums + r * stride, stride, row + r, rows - r < 16 ? rows - r : 16, token, tokens);
    }
  }

  // The collected rows to y.
  void finish_collected(int tokens) const {
    finish_block<Avx512Dot>(out_, collected_, stride_, 0, w_.rows, first_token_, tokens);
  }

 private:
  static __m512i load(const int32_t* p) { return _mm512_load_si512(p); }
  __m512 row_scale(int64_t row) const { return _mm512_set1_ps(w_.scales.empty() ? 1.f : w_.scales[size_t(row)]); }
  __m512 row_bias(int64_t original) const { return _mm512_set1_ps(bias_ == nullptr ? 0.f : bias_[original]); }
  __m512 token_scale_line(int64_t token) const {
    return token_scales_ == nullptr ? _mm512_set1_ps(1.f) : _mm512_loadu_ps(token_scales_ + (token - first_token_));
  }
  // One packed row, 16 tokens.
  __m512 row_line(const int32_t* sums, int64_t row, __m512 token_scale) const {
    return _mm512_add_ps(Sums::line(load(sums), row_scale(row), token_scale), row_bias(w_.original_row(row)));
  }

  void features(const int32_t* sums, int64_t stride, int64_t row, int rows, int64_t token, int tokens) const {
    const __m512 scale = token_scale_line(token);
    with_activation(out_.activation, [&](auto a) {
      for (int r = 0; r < rows; ++r) {
        const int64_t original = w_.original_row(row + r);
        finish<Avx512Dot, a()>(row_line(sums + r * stride, row + r, scale), out_.out(original, token),
                               out_.in(original, token), tokens, out_.negative_slope);
      }
    });
  }

  // 4 tokens of 16 rows: v[j] lane r = sums[r * stride + j]. Quarters of rows go to their lanes on the way from memory,
  // which leaves a 4 x 4 transpose inside the lanes: 8 shuffles for 4 lines where a transpose in registers takes 16.
  static void four_tokens(const int32_t* sums, int64_t stride, __m512i (&v)[4]) {
    __m512i t[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int32_t* from = sums + i * stride;
      t[i] = _mm512_castsi128_si512(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
      t[i] = _mm512_inserti32x4(t[i], _mm_load_si128(reinterpret_cast<const __m128i*>(from + 4 * stride)), 1);
      t[i] = _mm512_inserti32x4(t[i], _mm_load_si128(reinterpret_cast<const __m128i*>(from + 8 * stride)), 2);
      t[i] = _mm512_inserti32x4(t[i], _mm_load_si128(reinterpret_cast<const __m128i*>(from + 12 * stride)), 3);
    }
    const __m512i a = _mm512_unpacklo_epi32(t[0], t[1]), b = _mm512_unpackhi_epi32(t[0], t[1]);
    const __m512i c = _mm512_unpacklo_epi32(t[2], t[3]), d = _mm512_unpackhi_epi32(t[2], t[3]);
    v[0] = _mm512_unpacklo_epi64(a, c);
    v[1] = _mm512_unpackhi_epi64(a, c);
    v[2] = _mm512_unpacklo_epi64(b, d);
    v[3] = _mm512_unpackhi_epi64(b, d);
  }

  void tokens_in_order(const int32_t* sums, int64_t stride, int64_t row, int rows, int64_t token, int tokens) const {
    __m512 bias[2], scale[2];
    int width[2];
    for (int h = 0; h < 2; ++h) {
      width[h] = rows - 16 * h < 0 ? 0 : rows - 16 * h < 16 ? rows - 16 * h : 16;
      const __mmask16 valid = first_lanes(width[h]);
      bias[h] = bias_ == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(valid, bias_ + row + 16 * h);
      scale[h] = w_.scales.empty() ? bias[h] : _mm512_maskz_loadu_ps(valid, w_.scales.data() + row + 16 * h);
    }
    IO* y = out_.out(row, token);
    const IO* residual = out_.in(row, token);
    const int64_t step = out_.token_step, residual_step = out_.residual_token_step;
    const float* token_scales = token_scales_ == nullptr ? nullptr : token_scales_ + (token - first_token_);
    with_activation(out_.activation, [&](auto a) {
      for (int t = 0; t < tokens; t += 4) {
        for (int h = 0; h < 2 && width[h] > 0; ++h) {
          __m512i v[4];
          four_tokens(sums + 16 * h * stride + t, stride, v);
#pragma GCC unroll 4
          for (int j = 0; j < 4; ++j) {
            if (t + j >= tokens) break;
            const __m512 token_scale = _mm512_set1_ps(token_scales == nullptr ? 1.f : token_scales[t + j]);
            const __m512 line = _mm512_add_ps(Sums::line(v[j], scale[h], token_scale), bias[h]);
            const IO* in = residual == nullptr ? nullptr : residual + (t + j) * residual_step + 16 * h;
            finish<Avx512Dot, a()>(line, y + (t + j) * step + 16 * h, in, width[h], out_.negative_slope);
          }
        }
      }
    });
  }

  void collect(const int32_t* sums, int64_t stride, int64_t row, int rows, int64_t token) const {
    const __m512 scale = token_scale_line(token);
    for (int r = 0; r < rows; ++r) {
      float* to = collected_ + w_.original_row(row + r) * stride_ + (token - first_token_);
      _mm512_storeu_ps(to, row_line(sums + r * stride, row + r, scale));
    }
  }

  void scatter(const int32_t* sums, int64_t stride, int64_t row, int rows, int64_t token, int tokens) const {
    const __m512 scale = token_scale_line(token);
    __m512i v[16];
    for (int i = 0; i < 16; ++i) {
      v[i] = i < rows ? _mm512_castps_si512(row_line(sums + i * stride, row + i, scale)) : _mm512_setzero_si512();
    }
    transpose16(v);
    alignas(64) float lines[16][16];
    for (int i = 0; i < 16; ++i) _mm512_store_si512(lines[i], v[i]);
    for (int t = 0; t < tokens; ++t) {
      finish_scattered<Avx512Dot>(out_, lines[t], w_.permutation.data() + row, token + t, rows);
    }
  }

  const DotWeights& w_;
  const Output<IO> out_;
  const float* bias_;
  const float* token_scales_;
  const int64_t first_token_;
  float* collected_;
  const int64_t stride_;
};

}  // namespace
}  // namespace leno::kernels
