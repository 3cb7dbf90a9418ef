#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "kernels/conv_kernel.h"
#include "linear_case.h"
#include "reference/conv_reference.h"

// One case of the convolution on random data, its truth in fp64, and the check of a kernel against it.
namespace leno_test {

using kernels::ImageLayout;

struct ConvCase {
  leno_reference::ConvProblem shape;  // sizes alone; one group
  int64_t vector = 8;                 // 0: dense weights
  double sparsity = .5;
  DType weights = DType::f32, io = DType::f32;
  ImageLayout layout = ImageLayout::nchw;
  Activation activation = Activation::none;
  bool bias = false, residual = false, residual_first = false, residual_is_y = false;
  bool integers = false;
  uint32_t seed = 1;

  std::string name() const {
    const auto& s = shape;
    return text("batch ", s.batch, " ", s.channels, " x ", s.height, " x ", s.width, " -> ", s.filters, ", kernel ",
                s.kernel_h, " x ", s.kernel_w, " stride ", s.stride_h, " x ", s.stride_w, " dilation ", s.dilation_h,
                " x ", s.dilation_w, " pads ", s.pad_top, " ", s.pad_left, " ", s.pad_bottom, " ", s.pad_right, " V",
                vector, " sparsity ", sparsity, " ", name_of(weights), " io ", name_of(io),
                layout == ImageLayout::nchw ? " NCHW" : " NHWC", " act ", int(activation), " bias ", bias, " residual ",
                residual, residual_first ? " first" : "", residual_is_y ? " in y" : "", " seed ", seed);
  }
};

class ConvProblem {
 public:
  explicit ConvProblem(const ConvCase& c) : c_(c), problem_(c.shape), random_(c.seed) {
    const int64_t columns = problem_.kernel_h * problem_.kernel_w * problem_.channels;
    std::vector<float> w(size_t(problem_.filters * columns));
    for (float& v : w) v = draw();
    const MatrixView<const float> view{w.data(), problem_.filters, columns, columns};
    LinearCase pattern;
    pattern.rows = problem_.filters;
    pattern.columns = columns;
    pattern.vector = c.vector;
    pattern.sparsity = c.sparsity;
    packed_ = c.vector == 0 ? PackedWeights::pack_dense(view, c.weights)
                            : PackedWeights::pack(random_pattern(pattern, random_), view, c.weights);
    packed_->to_dense({w.data(), problem_.filters, columns, columns});
    // The kernels' columns are channel-major: see conv_kernel.h.
    problem_.w.resize(w.size());
    for (int64_t f = 0; f < problem_.filters; ++f)
      for (int64_t c0 = 0; c0 < problem_.channels; ++c0)
        for (int64_t tap = 0; tap < problem_.kernel_h * problem_.kernel_w; ++tap)
          problem_.w[size_t(f * columns + tap * problem_.channels + c0)] =
              w[size_t(f * columns + c0 * problem_.kernel_h * problem_.kernel_w + tap)];
    if (c.bias) {
      for (int64_t f = 0; f < problem_.filters; ++f) bias_.push_back(draw());
    }
    problem_.bias.assign(bias_.begin(), bias_.end());
    const int64_t inputs = problem_.batch * problem_.channels * problem_.height * problem_.width;
    for (int64_t i = 0; i < inputs; ++i) problem_.x.push_back(as_io(draw()));
    for (int64_t i = 0; i < outputs() && c.residual; ++i) problem_.residual.push_back(as_io(draw()));
    problem_.residual_first = c.residual_first;
    constexpr leno_reference::Act kActs[] = {leno_reference::Act::none,       leno_reference::Act::relu,
                                             leno_reference::Act::gelu_erf,   leno_reference::Act::gelu_tanh,
                                             leno_reference::Act::silu,       leno_reference::Act::relu6,
                                             leno_reference::Act::leaky_relu, leno_reference::Act::hard_swish};
    problem_.act = kActs[int(c.activation)];
    problem_.negative_slope = double(spec().negative_slope);
    truth_ = leno_reference::conv(problem_);
  }

  const PackedWeights& packed() const { return *packed_; }
  int64_t batch() const { return problem_.batch; }
  int64_t height() const { return problem_.height; }
  int64_t width() const { return problem_.width; }

  kernels::ConvSpec spec() const {
    kernels::ConvSpec s;
    s.geometry = {problem_.channels, problem_.filters,  problem_.kernel_h,   problem_.kernel_w,
                  problem_.stride_h, problem_.stride_w, problem_.dilation_h, problem_.dilation_w,
                  problem_.pad_top,  problem_.pad_left, problem_.pad_bottom, problem_.pad_right};
    s.layout = c_.layout;
    s.io = c_.io;
    s.activation = c_.activation;
    s.negative_slope = 0.125f;
    s.residual_first = c_.residual_first;
    s.bias = bias_.empty() ? nullptr : bias_.data();
    return s;
  }

  // Runs the kernel and says what is wrong with what it did; "" where nothing is. y receives the output.
  std::string check(const kernels::ConvKernel& kernel, const kernels::PreparedWeights& prepared, int parts,
                    IoBuffer* y_out = nullptr) const {
    const int64_t pixels = problem_.height * problem_.width, out = problem_.out_height() * problem_.out_width();
    IoBuffer x(c_.io, int64_t(problem_.x.size())), y(c_.io, outputs()), residual(c_.io, outputs());
    for (int64_t i = 0; i < x.elements(); ++i) x.set(place(i, problem_.channels, pixels), problem_.x[size_t(i)]);
    for (int64_t i = 0; i < outputs() && c_.residual; ++i) {
      (c_.residual_is_y ? y : residual).set(place(i, problem_.filters, out), problem_.residual[size_t(i)]);
    }
    const bool nhwc = c_.layout == ImageLayout::nhwc;
    const auto images = [nhwc](IoBuffer& buffer, int64_t channels, int64_t count) {
      return kernels::ConvImages{buffer.data(), channels * count, nhwc ? 1 : count, nhwc ? channels : 1};
    };
    kernels::ConvCall call;
    call.batch = problem_.batch;
    call.height = problem_.height;
    call.width = problem_.width;
    call.x = images(x, problem_.channels, pixels);
    const kernels::ConvImages to = images(y, problem_.filters, out);
    call.y = y.data();
    call.y_image = to.image;
    call.y_channel = to.channel;
    call.y_pixel = to.pixel;
    if (c_.residual) call.residual = images(c_.residual_is_y ? y : residual, problem_.filters, out);

    const kernels::ConvSpec fixed = spec();
    const int64_t bytes = kernel.scratch_bytes(prepared, fixed, batch(), height(), width(), parts);
    if (bytes % kCacheLine != 0) return text("scratch of ", bytes, " bytes, expected a multiple of ", kCacheLine);
    AlignedBuffer scratch(bytes + kCacheLine);
    for (int part = 0; part < parts; ++part) {
      std::memset(scratch.data(), 0xff, size_t(scratch.bytes()));  // NaN
      kernel.run(prepared, fixed, call, scratch.data(), part, parts);
      for (int64_t i = bytes; i < scratch.bytes(); ++i) {
        if (scratch.data()[i] != std::byte{0xff}) return text("part ", part, " wrote past its scratch");
      }
    }
    for (int64_t i = -IoBuffer::kGuard; i < 0; ++i) {
      if (!y.untouched(i) || !y.untouched(outputs() - 1 - i)) return "wrote outside y";
    }
    for (int64_t i = 0; i < outputs(); ++i) {
      const double want = c_.integers ? as_io(truth_.y[size_t(i)]) : truth_.y[size_t(i)];
      const double got = y.get(place(i, problem_.filters, out)), bound = tolerance(i, kernel);
      if (!(std::fabs(got - want) <= bound)) {
        return text("output ", i, " is ", got, ", expected ", want, " +- ", bound);
      }
    }
    if (y_out != nullptr) *y_out = y;
    return "";
  }

 private:
  int64_t outputs() const { return problem_.batch * problem_.filters * problem_.out_height() * problem_.out_width(); }
  // Where element i of [batch][channels][pixels] lies in the layout of the case.
  int64_t place(int64_t i, int64_t channels, int64_t pixels) const {
    if (c_.layout == ImageLayout::nchw) return i;
    const int64_t n = i / pixels / channels, c = i / pixels % channels;
    return (n * pixels + i % pixels) * channels + c;
  }
  float draw() {
    if (c_.integers) return float(int(random_() % 7) - 3);
    return float(std::normal_distribution<double>(0, 1)(random_));
  }
  double as_io(double v) const { return c_.io == DType::f32 ? double(float(v)) : from_bf16(to_bf16(float(v))); }
  double tolerance(int64_t i, const kernels::ConvKernel& kernel) const {
    if (c_.integers) return 0;
    const double size = truth_.magnitude[size_t(i)];
    const double slope = c_.activation == kernels::Activation::hard_swish ? 1.5 : 1.2;
    double bound = (slope * double(8 + packed_->columns()) * std::ldexp(1, -24) + 2e-6) * size;
    // Kernels of bf16 products round x; those that widen the weights do not.
    if (c_.weights == DType::bf16 && kernel.isa == Isa::avx512_dot) bound += slope * std::ldexp(size, -8);
    if (c_.io == DType::bf16) bound += std::ldexp(std::fabs(truth_.y[size_t(i)]), -8);
    return bound + std::numeric_limits<float>::min();
  }

  ConvCase c_;
  leno_reference::ConvProblem problem_;
  std::mt19937 random_;
  std::shared_ptr<const PackedWeights> packed_;
  std::vector<float> bias_;
  leno_reference::ConvResult truth_;
};

}  // namespace leno_test
