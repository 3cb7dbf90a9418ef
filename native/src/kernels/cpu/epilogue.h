#pragma once

#include "kernels/cpu/activation.h"

// What happens to a finished sum (bias included: kernels start their accumulators with it): activation, residual,
// conversion, write-back. S is the instruction set, IO the element type of y and the residual (float or bf16_t).
namespace leno::kernels {
namespace {

inline float to_float(float v) { return v; }
inline float to_float(bf16_t v) { return from_bf16(v); }
inline void assign(float& to, float v) { to = v; }
inline void assign(bf16_t& to, float v) { to = to_bf16(v); }

template <class IO>
struct Output {
  Layout layout;
  Activation activation;
  float negative_slope;
  IO* y;
  int64_t row_step, token_step;  // from an output to that of the next row, of the next token
  const IO* residual;            // nullptr: none
  int64_t residual_row_step, residual_token_step;

  Output(const LinearSpec& spec, const LinearCall& call)
      : layout(spec.layout),
        activation(spec.activation),
        negative_slope(spec.negative_slope),
        y(static_cast<IO*>(call.y)),
        row_step(layout == Layout::token_major ? 1 : call.ldy),
        token_step(layout == Layout::token_major ? call.ldy : 1),
        residual(static_cast<const IO*>(call.residual)),
        residual_row_step(layout == Layout::token_major ? 1 : call.ldresidual),
        residual_token_step(layout == Layout::token_major ? call.ldresidual : 1) {}

  IO* out(int64_t row, int64_t token) const { return y + row * row_step + token * token_step; }
  const IO* in(int64_t row, int64_t token) const {
    return residual == nullptr ? nullptr : residual + row * residual_row_step + token * residual_token_step;
  }
  // Sums may be stored to y as they are.
  bool plain() const { return activation == Activation::none && residual == nullptr; }
};

// The first n lanes of v, which lie side by side in y.
template <class S, Activation A, class IO>
inline void finish(typename S::Vec v, IO* y, const IO* residual, int n, float negative_slope) {
  v = activate<S, A>(v, negative_slope);
  if (n == S::kLanes) {
    if (residual != nullptr) v = S::add(v, S::load(residual));
    S::store(y, v);
  } else {
    if (residual != nullptr) v = S::add(v, S::load(residual, n));
    S::store(y, v, n);
  }
}

// n sums that lie side by side in y: tokens of a row (feature-major) or rows of a token (token-major).
// sums may be read up to the next multiple of the vector.
template <class S, class IO>
void finish_run(const Output<IO>& out, const float* sums, int64_t row, int64_t token, int n) {
  IO* y = out.out(row, token);
  const IO* residual = out.in(row, token);
  with_activation(out.activation, [&](auto a) {
    for (int i = 0; i < n; i += S::kLanes) {
      finish<S, a()>(S::load(sums + i), y + i, residual == nullptr ? nullptr : residual + i,
                     n - i < S::kLanes ? n - i : S::kLanes, out.negative_slope);
    }
  });
}

// n sums of one token: output i belongs to row rows[i]. sums is overwritten, up to the next multiple of the vector.
template <class S, class IO>
void finish_scattered(const Output<IO>& out, float* sums, const int32_t* rows, int64_t token, int n) {
  if (out.activation != Activation::none) {
    with_activation(out.activation, [&](auto a) {
      for (int i = 0; i < n; i += S::kLanes) {
        S::store(sums + i, activate<S, a()>(S::load(sums + i), out.negative_slope));
      }
    });
  }
  for (int i = 0; i < n; ++i) {
    float v = sums[i];
    if (out.residual != nullptr) v += to_float(*out.in(rows[i], token));
    assign(*out.out(rows[i], token), v);
  }
}

// Up to four tokens of a block, over its rows.
template <class S, Activation A, class IO>
__attribute__((always_inline)) inline void finish_tokens(const float* block, int64_t stride, int64_t rows, IO* y,
                                                         int64_t y_step, const IO* residual, int64_t residual_step,
                                                         int tokens, float negative_slope) {
  constexpr int L = S::kLanes;
  for (int64_t r = 0; r < rows; r += L) {
    typename S::Vec v[4];
    S::transpose4(block + r * stride, stride, v);
    if (rows - r >= L && tokens == 4) {
      for (int i = 0; i < 4; ++i) {
        finish<S, A>(v[i], y + i * y_step + r, residual == nullptr ? residual : residual + i * residual_step + r, L,
                     negative_slope);
      }
    } else {
      const int height = rows - r < L ? int(rows - r) : L;
      for (int i = 0; i < tokens; ++i) {
        finish<S, A>(v[i], y + i * y_step + r, residual == nullptr ? residual : residual + i * residual_step + r,
                     height, negative_slope);
      }
    }
  }
}

// A block of sums, block[row * stride + token] for `rows` x `tokens`, to y from (row, token) on. Token-major output is
// transposed in registers. The block may be read up to the next multiples of the vector in both directions.
template <class S, class IO>
void finish_block(const Output<IO>& out, const float* block, int64_t stride, int64_t row, int64_t rows, int64_t token,
                  int tokens) {
  if (out.layout == Layout::feature_major) {
    for (int64_t r = 0; r < rows; ++r) finish_run<S>(out, block + r * stride, row + r, token, tokens);
    return;
  }
  with_activation(out.activation, [&](auto a) {
    // Four tokens over some rows at a time, so that y is written in runs: where its stride is a multiple of 4 KB, 0.42
    // cycles an element against 0.68 with one vector of rows at a time.
    constexpr int64_t kRows = 64;
    for (int64_t r0 = 0; r0 < rows; r0 += kRows) {
      const int64_t r1 = rows < r0 + kRows ? rows : r0 + kRows;
      for (int t = 0; t < tokens; t += 4) {
        finish_tokens<S, a()>(block + r0 * stride + t, stride, r1 - r0, out.out(row + r0, token + t), out.token_step,
                              out.in(row + r0, token + t), out.residual_token_step, tokens - t < 4 ? tokens - t : 4,
                              out.negative_slope);
      }
    }
  });
}

}  // namespace
}  // namespace leno::kernels
