#pragma once

#include <type_traits>

#include "core/aligned_buffer.h"
#include "kernels/cpu/epilogue.h"

// The sums of kernels whose lanes run along packed rows, on their way to y: they wait until there are many, so that no
// multiplication waits for an output and no output for its sum.
namespace leno::kernels {
namespace {

constexpr int64_t kWaitingRows = 512;
constexpr int64_t kWaitingStride = kWaitingRows + 16;  // of tokens: vectors may be stored up to 16 past the last row

// Feature-major: from so many tokens on, outputs are turned in registers. With 16, 17 % less time at 384 x 384 and 75
// %; with 8, none; with 4, 10 to 20 % more.
constexpr int64_t kTurnTokens = 12;

inline int64_t skinny_output_bytes(const LinearSpec& spec, int64_t tokens) {
  return round_up((round_up(tokens, 16) * kWaitingStride + spec.rows + 16) * int64_t{sizeof(float)}, kCacheLine);
}

template <class S, class IO>
class SkinnyOutput {
 public:
  // rows: the original row of each packed row. For the packed rows [first, last).
  SkinnyOutput(const LinearSpec& spec, const LinearCall& call, const int32_t* rows, bool identity, int64_t first,
               int64_t last, std::byte* scratch)
      : out_(spec, call),
        rows_(rows),
        contiguous_(identity && out_.row_step == 1 && out_.residual_row_step == 1),
        tokens_(call.tokens),
        waiting_(first),
        sums_(reinterpret_cast<float*>(scratch)),
        bias_(spec.bias == nullptr ? nullptr : sums_ + round_up(tokens_, 16) * kWaitingStride - first) {
    for (int64_t r = first; r < last && bias_ != nullptr; ++r) bias_[r] = spec.bias[rows[r]];
  }

  bool room_until(int64_t row) const { return row - waiting_ <= kWaitingRows; }
  // The first row that waits; rows are added in order.
  int64_t waiting() const { return waiting_; }
  float* sums(int64_t token, int64_t row) const { return sums_ + token * kWaitingStride + (row - waiting_); }

  // Bias, activation, residual and write-back of all rows that wait, which end before `end`.
  void finish(int64_t end) {
    const bool turn = out_.token_step == 1 && tokens_ >= kTurnTokens;
    with_activation(out_.activation, [&](auto a) {
      if (turn) return finish_turned<a()>(end);
      for (int64_t t = 0; t < tokens_; ++t) contiguous_ ? finish_contiguous<a()>(t, end) : activate_all<a()>(t, end);
    });
    if (!turn && !contiguous_) scatter(end);
    waiting_ = end;
  }

 private:
  static constexpr int L = S::kLanes;

  typename S::Vec with_bias(int64_t token, int64_t row) const {
    const auto v = S::load(sums(token, row));
    return bias_ == nullptr ? v : S::add(v, S::load(bias_ + row));
  }

  template <Activation A>
  void finish_contiguous(int64_t token, int64_t end) const {
    for (int64_t r = waiting_; r < end; r += L) {
      const int n = end - r < L ? int(end - r) : L;
      kernels::finish<S, A>(with_bias(token, r), out_.out(r, token), out_.in(r, token), n, out_.negative_slope);
    }
  }

  // Feature-major: four rows at a time become vectors of tokens. Sums of tokens past the last are read, and not used.
  template <Activation A>
  void finish_turned(int64_t end) const {
    for (int64_t r = waiting_; r < end; r += 4) {
      const int rows = end - r < 4 ? int(end - r) : 4;
      for (int64_t t = 0; t < tokens_; t += L) {
        const int n = tokens_ - t < L ? int(tokens_ - t) : L;
        typename S::Vec v[4];
        S::transpose4(sums(t, r), kWaitingStride, v);
        for (int i = 0; i < rows; ++i) {
          if (bias_ != nullptr) v[i] = S::add(v[i], S::set1(bias_[r + i]));
          const int32_t row = rows_[r + i];
          kernels::finish<S, A>(v[i], out_.out(row, t), out_.in(row, t), n, out_.negative_slope);
        }
      }
    }
  }

  // In place; in the type of y where nothing is to be added any more.
  template <Activation A>
  void activate_all(int64_t token, int64_t end) const {
    float* sums = this->sums(token, waiting_);
    for (int64_t r = waiting_; r < end; r += L) {
      const auto v = activate<S, A>(with_bias(token, r), out_.negative_slope);
      if (out_.residual != nullptr) {
        S::store(sums + (r - waiting_), v);
      } else {
        S::store(reinterpret_cast<IO*>(sums) + (r - waiting_), v);
      }
    }
  }

  void scatter(int64_t end) const {
    const int64_t n = end - waiting_;
    if (out_.residual != nullptr) {
      for (int64_t t = 0; t < tokens_; ++t) {
        const float* sums = this->sums(t, waiting_);
        for (int64_t i = 0; i < n; ++i) {
          const int32_t row = rows_[waiting_ + i];
          assign(*out_.out(row, t), sums[i] + to_float(*out_.in(row, t)));
        }
      }
      return;
    }
    int64_t t = 0;
    for (; t + 4 <= tokens_; t += 4) scatter_tokens<4>(t, n, out_.row_step);
    for (; t < tokens_; ++t) {
      if (out_.row_step == 1) {
        scatter_tokens<1>(t, n, std::integral_constant<int64_t, 1>());
      } else {
        scatter_tokens<1>(t, n, out_.row_step);
      }
    }
  }

  template <int T, class Step>
  void scatter_tokens(int64_t token, int64_t n, Step step) const {
    constexpr int64_t kStride = kWaitingStride * int64_t{sizeof(float) / sizeof(IO)};
    const IO* from = reinterpret_cast<const IO*>(sums(token, waiting_));
    const int32_t* rows = rows_ + waiting_;
    const int64_t token_step = out_.token_step;
    IO* y = out_.y + token * token_step;
#pragma GCC unroll 4
    for (int64_t i = 0; i < n; ++i) {
      IO* to = y + rows[i] * step;
      for (int t = 0; t < T; ++t) to[t * token_step] = from[t * kStride + i];
    }
  }

  const Output<IO> out_;
  const int32_t* const rows_;
  const bool contiguous_;
  const int64_t tokens_;
  int64_t waiting_;
  float* const sums_;
  float* const bias_;  // by packed row
};

}  // namespace
}  // namespace leno::kernels
