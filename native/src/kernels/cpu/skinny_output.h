#pragma once

#include "core/aligned_buffer.h"
#include "kernels/cpu/epilogue.h"

// The sums of kernels whose lanes run along packed rows, on their way to y: they wait until there are many, so that no
// multiplication waits for an output and no output for its sum.
namespace leno::kernels {
namespace {

constexpr int64_t kWaitingRows = 512;
constexpr int64_t kWaitingStride = kWaitingRows + 16;  // of tokens: vectors may be stored up to 16 past the last row

inline int64_t skinny_output_bytes(const LinearSpec& spec, int64_t tokens) {
  return round_up((tokens * kWaitingStride + spec.rows + 16) * int64_t{sizeof(float)}, kCacheLine);
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
        bias_(spec.bias == nullptr ? nullptr : sums_ + tokens_ * kWaitingStride - first) {
    for (int64_t r = first; r < last && bias_ != nullptr; ++r) bias_[r] = spec.bias[rows[r]];
  }

  bool room_until(int64_t row) const { return row - waiting_ <= kWaitingRows; }
  // The first row that waits; rows are added in order.
  int64_t waiting() const { return waiting_; }
  float* sums(int64_t token, int64_t row) const { return sums_ + token * kWaitingStride + (row - waiting_); }

  // Bias, activation, residual and write-back of all rows that wait, which end before `end`.
  void finish(int64_t end) {
    for (int64_t t = 0; t < tokens_; ++t) {
      with_activation(out_.activation,
                      [&](auto a) { contiguous_ ? finish_contiguous<a()>(t, end) : finish_scattered<a()>(t, end); });
    }
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
      kernels::finish<S, A>(with_bias(token, r), out_.out(r, token), out_.in(r, token), n);
    }
  }

  // All to their final values in place, then to where they belong.
  template <Activation A>
  void finish_scattered(int64_t token, int64_t end) const {
    float* sums = this->sums(token, waiting_);
    const int32_t* rows = rows_ + waiting_;
    const int64_t n = end - waiting_, step = out_.row_step;
    IO* y = out_.y + token * out_.token_step;
    if (out_.residual != nullptr) {
      for (int64_t i = 0; i < n; i += L) S::store(sums + i, activate<S, A>(with_bias(token, waiting_ + i)));
      for (int64_t i = 0; i < n; ++i) assign(y[rows[i] * step], sums[i] + to_float(*out_.in(rows[i], token)));
      return;
    }
    IO* line = reinterpret_cast<IO*>(sums);
    for (int64_t i = 0; i < n; i += L) S::store(line + i, activate<S, A>(with_bias(token, waiting_ + i)));
    if (step == 1) {
#pragma GCC unroll 8
      for (int64_t i = 0; i < n; ++i) y[rows[i]] = line[i];
    } else {
#pragma GCC unroll 8
      for (int64_t i = 0; i < n; ++i) y[rows[i] * step] = line[i];
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
