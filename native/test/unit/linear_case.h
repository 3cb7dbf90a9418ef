#pragma once

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/linear_kernel.h"
#include "pattern/pattern.h"
#include "reference/linear_reference.h"
#include "support/io_buffer.h"

// One case of the linear operator on random data, its truth in fp64, and the check of a kernel against it.
namespace leno_test {

using namespace leno;
using kernels::Activation;
using kernels::Layout;

struct LinearCase {
  int64_t rows = 1, columns = 1, tokens = 1;
  int64_t vector = 16;  // 0: dense weights
  double sparsity = 0;  // >= 1: groups keep one column or none
  bool shuffle = true;
  DType weights = DType::f32, io = DType::f32;
  Layout layout = Layout::token_major;
  Activation activation = Activation::none;
  bool bias = false, residual = false, residual_is_y = false;
  int64_t padding = 0;    // of every leading stride
  bool integers = false;  // small ones, so that results are exact
  uint32_t seed = 1;

  std::string name() const {
    return text("M", rows, " K", columns, " N", tokens, " V", vector, " sparsity ", sparsity, " ", name_of(weights),
                " io ", name_of(io), layout == Layout::token_major ? " token-major" : " feature-major", " act ",
                int(activation), " bias ", bias, " residual ", residual, residual_is_y ? " in y" : "", " padding ",
                padding, " shuffle ", shuffle, " integers ", integers, " seed ", seed);
  }
};

inline Pattern random_pattern(const LinearCase& c, std::mt19937& random) {
  Pattern p;
  p.rows = c.rows;
  p.columns = c.columns;
  p.vector = c.vector;
  p.permutation.resize(size_t(c.rows));
  std::iota(p.permutation.begin(), p.permutation.end(), 0);
  if (c.shuffle) std::shuffle(p.permutation.begin(), p.permutation.end(), random);
  p.offsets.push_back(0);
  std::vector<int32_t> all(size_t(c.columns));
  std::iota(all.begin(), all.end(), 0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    std::shuffle(all.begin(), all.end(), random);
    int64_t kept = c.sparsity >= 1 ? int64_t(random() % 2) : std::llround(double(c.columns) * (1 - c.sparsity));
    if (c.sparsity > 0 && c.sparsity < 1) kept = std::min(c.columns, kept + int64_t(random() % 3));
    std::vector<int32_t> columns(all.begin(), all.begin() + kept);
    std::sort(columns.begin(), columns.end());
    p.indices.insert(p.indices.end(), columns.begin(), columns.end());
    p.offsets.push_back(int64_t(p.indices.size()));
  }
  check_pattern(p);
  return p;
}

class LinearProblem {
 public:
  explicit LinearProblem(const LinearCase& c) : c_(c), random_(c.seed) {
    std::vector<float> w(size_t(c.rows * c.columns));
    for (float& v : w) v = draw(1);
    const MatrixView<const float> view{w.data(), c.rows, c.columns, c.columns};
    packed_ = c.vector == 0 ? PackedWeights::pack_dense(view, c.weights)
                            : PackedWeights::pack(random_pattern(c, random_), view, c.weights);
    if (c.bias) {
      for (int64_t m = 0; m < c.rows; ++m) bias_.push_back(draw(1));
    }
    truth();
  }

  const LinearCase& shape() const { return c_; }
  const PackedWeights& packed() const { return *packed_; }

  kernels::LinearSpec spec() const {
    return {c_.rows, c_.columns, c_.layout, c_.io, c_.activation, bias_.empty() ? nullptr : bias_.data(), 0.125f};
  }

  // Runs the kernel and says what is wrong with what it did; "" where nothing is. y receives the output.
  std::string check(const kernels::LinearKernel& kernel, const kernels::PreparedWeights& prepared, int parts,
                    IoBuffer* y_out = nullptr) const {
    const bool token_major = c_.layout == Layout::token_major;
    const int64_t ldx = (token_major ? c_.columns : c_.tokens) + c_.padding;
    const int64_t ldy = (token_major ? c_.rows : c_.tokens) + 2 * c_.padding, ldr = ldy + c_.padding;
    const int64_t runs = token_major ? c_.tokens : c_.rows;
    IoBuffer x(c_.io, (token_major ? c_.tokens : c_.columns) * ldx), y(c_.io, runs * ldy), residual(c_.io, runs * ldr);
    for (int64_t n = 0; n < c_.tokens; ++n) {
      for (int64_t k = 0; k < c_.columns; ++k) {
        x.set(token_major ? n * ldx + k : k * ldx + n, problem_.x[size_t(n * c_.columns + k)]);
      }
      for (int64_t m = 0; m < c_.rows && c_.residual; ++m) {
        const double r = problem_.residual[size_t(n * c_.rows + m)];
        residual.set(token_major ? n * ldr + m : m * ldr + n, r);
        if (c_.residual_is_y) y.set(token_major ? n * ldy + m : m * ldy + n, r);
      }
    }
    kernels::LinearCall call;
    call.tokens = c_.tokens;
    call.x = x.data();
    call.ldx = ldx;
    call.y = y.data();
    call.ldy = ldy;
    if (c_.residual) {
      call.residual = c_.residual_is_y ? y.data() : residual.data();
      call.ldresidual = c_.residual_is_y ? ldy : ldr;
    }
    const kernels::LinearSpec fixed = spec();
    const int64_t bytes = kernel.scratch_bytes(prepared, fixed, c_.tokens, parts);
    if (bytes % kCacheLine != 0) return text("scratch of ", bytes, " bytes, expected a multiple of ", kCacheLine);
    AlignedBuffer scratch(bytes + kCacheLine);
    for (int part = 0; part < parts; ++part) {
      std::memset(scratch.data(), 0xff, size_t(scratch.bytes()));  // NaN
      kernel.run(prepared, fixed, call, scratch.data(), part, parts);
      for (int64_t i = bytes; i < scratch.bytes(); ++i) {
        if (scratch.data()[i] != std::byte{0xff}) return text("part ", part, " wrote past its scratch");
      }
    }
    for (int64_t i = -IoBuffer::kGuard; i < y.elements() + IoBuffer::kGuard; ++i) {
      const int64_t run = i < 0 ? -1 : i / ldy, at = i - run * ldy;
      const bool inside = run >= 0 && run < runs && at < ldy - 2 * c_.padding;
      if (!inside) {
        if (!y.untouched(i)) return text("wrote outside y at element ", i);
        continue;
      }
      const int64_t n = token_major ? run : at, m = token_major ? at : run;
      const double want = truth_.y[size_t(n * c_.rows + m)], got = y.get(i), bound = tolerance(m, n);
      if (!(std::fabs(got - want) <= bound)) {
        return text("y(row ", m, ", token ", n, ") is ", got, ", expected ", want, " +- ", bound);
      }
    }
    if (y_out != nullptr) *y_out = y;
    return "";
  }

 private:
  float draw(int size) {
    if (c_.integers) return float(int(random_() % 7) - 3);
    return float(std::normal_distribution<double>(0, size)(random_));
  }
  double as_io(double v) const { return c_.io == DType::f32 ? double(float(v)) : from_bf16(to_bf16(float(v))); }

  void truth() {
    problem_.rows = c_.rows;
    problem_.columns = c_.columns;
    problem_.tokens = c_.tokens;
    std::vector<float> dense(size_t(c_.rows * c_.columns));
    packed_->to_dense({dense.data(), c_.rows, c_.columns, c_.columns});
    problem_.w.assign(dense.begin(), dense.end());
    for (int64_t i = 0; i < c_.tokens * c_.columns; ++i) problem_.x.push_back(as_io(draw(1)));
    problem_.bias.assign(bias_.begin(), bias_.end());
    for (int64_t i = 0; i < c_.tokens * c_.rows && c_.residual; ++i) problem_.residual.push_back(as_io(draw(1)));
    constexpr leno_reference::Act kActs[] = {leno_reference::Act::none,       leno_reference::Act::relu,
                                             leno_reference::Act::gelu_erf,   leno_reference::Act::gelu_tanh,
                                             leno_reference::Act::silu,       leno_reference::Act::relu6,
                                             leno_reference::Act::leaky_relu, leno_reference::Act::hard_swish};
    problem_.act = kActs[int(c_.activation)];
    problem_.negative_slope = 0.125;
    leno_reference::LinearProblem seen = problem_;
    if (c_.weights == DType::i8) quantise(seen);
    truth_ = leno_reference::linear(seen);
    for (double& v : truth_.y) v = c_.integers ? as_io(v) : v;
  }

  // What int8 kernels see of x: one symmetric scale per token.
  void quantise(leno_reference::LinearProblem& p) {
    for (int64_t n = 0; n < p.tokens; ++n) {
      double* x = &p.x[size_t(n * p.columns)];
      double largest = 0;
      for (int64_t k = 0; k < p.columns; ++k) largest = std::max(largest, std::fabs(x[k]));
      const double scale = largest / 127;
      x_scale_.push_back(scale);
      for (int64_t k = 0; k < p.columns && scale > 0; ++k) x[k] = std::nearbyint(x[k] / scale) * scale;
    }
    for (int64_t m = 0; m < p.rows; ++m) {
      double largest = 0;
      for (int64_t k = 0; k < p.columns; ++k) largest = std::max(largest, std::fabs(p.w[size_t(m * p.columns + k)]));
      largest_w_.push_back(largest);
    }
  }

  // Grows with sum |w||x| and the number of terms; slopes of the activations stay below 1.2, of hard-swish at 1.5.
  double tolerance(int64_t m, int64_t n) const {
    const size_t at = size_t(n * c_.rows + m);
    const double size = truth_.magnitude[at], unit = std::ldexp(1, -24);
    if (c_.integers && c_.weights != DType::i8) return 0;
    const double slope = c_.activation == Activation::hard_swish ? 1.5 : 1.2;
    double bound = slope * double(8 + c_.columns) * unit * size + 2e-6 * size;
    if (c_.weights == DType::bf16) bound += slope * std::ldexp(size, -8);  // kernels may round x to bf16
    // A quotient within rounding of a half may fall to either side: two of a token's may.
    if (c_.weights == DType::i8) bound += slope * 2 * x_scale_[size_t(n)] * largest_w_[size_t(m)];
    if (c_.io == DType::bf16) bound += std::ldexp(std::fabs(truth_.y[at]), -8);
    return bound + std::numeric_limits<float>::min();
  }

  LinearCase c_;
  std::mt19937 random_;
  std::shared_ptr<const PackedWeights> packed_;
  std::vector<float> bias_;
  leno_reference::LinearProblem problem_;
  leno_reference::LinearResult truth_;
  std::vector<double> x_scale_, largest_w_;
};

}  // namespace leno_test
