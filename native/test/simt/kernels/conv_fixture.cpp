#include "simt/kernels/conv_fixture.h"

#include <limits>

#include "core/error.h"
#include "simt/kernels/number.h"
#include "simt/kernels/runner.h"

namespace leno_test {

using kernels::cuda::ConvKernel;
using kernels::cuda::ConvTask;

std::string CudaConvCase::name() const {
  const auto& s = shape;
  return text("batch ", s.batch, " ", s.channels, " x ", s.height, " x ", s.width, " -> ", s.filters, " groups ",
              s.groups, ", kernel ", s.kernel_h, " x ", s.kernel_w, " stride ", s.stride_h, " x ", s.stride_w,
              " dilation ", s.dilation_h, " x ", s.dilation_w, " pads ", s.pad_top, " ", s.pad_left, " ", s.pad_bottom,
              " ", s.pad_right, " V", vector, " sparsity ", sparsity, " ", leno::name_of(weights), " io ",
              leno::name_of(io), layout == ImageLayout::nchw ? " NCHW" : " NHWC", " act ", int(activation), " bias ",
              bias, " residual ", residual, residual_first ? " first" : "", residual_is_y ? " in y" : "", " shuffle ",
              shuffle, " misalign ", misalign, " integers ", integers, " seed ", seed, " sm_", arch, " x ",
              multiprocessors);
}

CudaConvProblem::CudaConvProblem(const CudaConvCase& c) : c_(c), random_(c.seed), problem_(c.shape) {
  const int64_t of_group = c.shape.channels / c.shape.groups, filters = c.shape.filters / c.shape.groups;
  const int64_t taps = c.shape.kernel_h * c.shape.kernel_w, columns = taps * of_group;
  for (int64_t g = 0; g < c.shape.groups; ++g) {
    std::vector<float> w(size_t(filters * columns));
    for (float& v : w) v = float(draw());
    const MatrixView<float> view{w.data(), filters, columns, columns};
    CudaCase pattern;
    pattern.rows = filters;
    pattern.columns = columns;
    pattern.vector = c.vector;
    pattern.sparsity = c.sparsity;
    pattern.shuffle = c.shuffle;
    const MatrixView<const float> from{w.data(), filters, columns, columns};
    parts_.push_back(c.vector == 0 ? PackedWeights::pack_dense(from, c.weights)
                                   : PackedWeights::pack(random_pattern(pattern, random_), from, c.weights));
    parts_.back()->to_dense(view);
    // The kernels' columns are channel-major: see conv_kernel.h.
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t channel = 0; channel < of_group; ++channel)
          problem_.w.push_back(double(w[size_t(f * columns + channel * taps + tap)]));
  }
  for (int64_t f = 0; f < c.shape.filters && c.bias; ++f) bias_.push_back(float(draw()));
  problem_.bias.assign(bias_.begin(), bias_.end());
  const int64_t inputs = c.shape.batch * c.shape.channels * c.shape.height * c.shape.width;
  for (int64_t i = 0; i < inputs; ++i) problem_.x.push_back(round_to(c.io, draw()));
  for (int64_t i = 0; i < outputs() && c.residual; ++i) problem_.residual.push_back(round_to(c.io, draw()));
  problem_.residual_first = c.residual_first;
  constexpr leno_reference::Act kActs[] = {leno_reference::Act::none,       leno_reference::Act::relu,
                                           leno_reference::Act::gelu_erf,   leno_reference::Act::gelu_tanh,
                                           leno_reference::Act::silu,       leno_reference::Act::relu6,
                                           leno_reference::Act::leaky_relu, leno_reference::Act::hard_swish};
  problem_.act = kActs[int(c.activation)];
  problem_.negative_slope = double(spec().negative_slope);
  leno_reference::ConvProblem seen = problem_;
  for (double& x : seen.x) x = round_to(c.weights, x);
  truth_ = leno_reference::conv(seen);
}

double CudaConvProblem::draw() {
  if (c_.integers) return int(random_() % 7) - 3;
  return std::normal_distribution<double>(0, 1)(random_);
}

int64_t CudaConvProblem::outputs() const {
  return problem_.batch * problem_.filters * problem_.out_height() * problem_.out_width();
}

// Where element i of [batch][channels][pixels] lies in the layout of the case.
int64_t CudaConvProblem::place(int64_t i, int64_t channels, int64_t pixels) const {
  if (c_.layout == ImageLayout::nchw) return i;
  const int64_t n = i / pixels / channels, c = i / pixels % channels;
  return (n * pixels + i % pixels) * channels + c;
}

kernels::ConvSpec CudaConvProblem::spec() const {
  const auto& s = c_.shape;
  kernels::ConvSpec spec;
  spec.geometry = {s.channels / s.groups, s.filters / s.groups, s.kernel_h, s.kernel_w, s.stride_h,   s.stride_w,
                   s.dilation_h,          s.dilation_w,         s.pad_top,  s.pad_left, s.pad_bottom, s.pad_right};
  spec.layout = c_.layout;
  spec.io = c_.io;
  spec.activation = c_.activation;
  spec.negative_slope = 0.125f;
  spec.residual_first = c_.residual_first;
  spec.bias = bias_.empty() ? nullptr : bias_.data();
  return spec;
}

ConvTask CudaConvProblem::task(const kernels::ConvSpec& spec) const {
  return {spec, problem_.groups, problem_.batch, problem_.height, problem_.width};
}

kernels::cuda::Card CudaConvProblem::card() const {
  kernels::cuda::Card card = on_card() ? the_card() : card_of(c_.arch, c_.multiprocessors);
  card.multiprocessors = c_.multiprocessors;
  return card;
}

std::string CudaConvProblem::refusal(const ConvKernel& row) const {
  if (row.weights != c_.weights) return text("takes ", leno::name_of(row.weights), " weights");
  if (row.arch > card().arch) return text("needs sm_", row.arch);
  const kernels::ConvSpec fixed = spec();
  return kernels::cuda::conv_refuse(row, card(), {c_.weights, parts_.front()->dense(), parts_.front()->vector()},
                                    task(fixed));
}

std::string CudaConvProblem::check(const ConvKernel& row, simt::Options options,
                                   std::vector<simt::Counters>* counters) const {
  const int64_t pixels = problem_.height * problem_.width, out = problem_.out_height() * problem_.out_width();
  DeviceArray x(c_.io, int64_t(problem_.x.size()), c_.misalign), y(c_.io, outputs(), c_.misalign);
  DeviceArray residual(c_.io, outputs(), c_.misalign);
  for (int64_t i = 0; i < x.elements(); ++i) x.set(place(i, problem_.channels, pixels), problem_.x[size_t(i)]);
  for (int64_t i = 0; i < outputs() && c_.residual; ++i) {
    (c_.residual_is_y ? y : residual).set(place(i, problem_.filters, out), problem_.residual[size_t(i)]);
  }
  const auto weights = kernels::cuda::weights_of(*row.format, parts_);
  const kernels::cuda::Card card = this->card();
  const kernels::ConvSpec fixed = spec();
  const int64_t bytes = kernels::cuda::conv_workspace_bytes(row, *weights, task(fixed), card);
  if (bytes < 0 || bytes % 256 != 0) return text("workspace of ", bytes, " bytes, expected a multiple of 256");
  Workspace workspace(bytes);
  options.arch = c_.arch;
  options.global = {{weights->image.data(), size_t(weights->image.bytes()), false, "weights"},
                    {x.data(), x.bytes(), false, "x"},
                    {y.data(), y.bytes(), true, "y"},
                    {workspace.data, size_t(bytes), true, "workspace"}};
  if (!bias_.empty()) options.global.push_back({bias_.data(), bias_.size() * 4, false, "bias"});
  void* added = !c_.residual ? nullptr : c_.residual_is_y ? y.data() : residual.data();
  if (added != nullptr && added != y.data()) {
    options.global.push_back({residual.data(), residual.bytes(), false, "residual"});
  }
  const kernels::cuda::DeviceOperands operands{weights->image.data(), bias_.empty() ? nullptr : bias_.data()};
  const auto launches =
      kernels::cuda::conv_plan(row, *weights, operands, task(fixed), x.data(), added, y.data(), workspace.data, card);
  for (int i = 0; i < launches.count; ++i) {
    const kernels::cuda::Launch& launch = launches.launch[size_t(i)];
    const std::string wrong = check_launch(launch, card);
    if (!wrong.empty()) return wrong;
    const simt::Report report = run_launch(*simt::find_entry(launch.entry), launch, options);
    if (!report) return text(launch.entry, ": ", report.what);
    if (counters != nullptr) counters->push_back(report.counters);
  }
  if (!workspace.guard_intact()) return "wrote past its workspace";
  for (int64_t i = -DeviceArray::kGuard; i < 0; ++i) {
    if (!y.untouched(i) || !y.untouched(outputs() - 1 - i)) return "wrote outside y";
  }
  for (int64_t i = 0; i < outputs(); ++i) {
    const double size = truth_.magnitude[size_t(i)],
                 want = exact() ? round_to(c_.io, truth_.y[size_t(i)]) : truth_.y[size_t(i)];
    double bound = (1.2 * double(8 + parts_.front()->columns()) * std::ldexp(1, -24) + 2e-6) * size;
    bound += std::ldexp(std::fabs(want), c_.io == DType::f32 ? -24 : c_.io == DType::f16 ? -11 : -8);
    bound += c_.io == DType::f16 ? std::ldexp(1, -24) : double(std::numeric_limits<float>::min());
    const double got = y.get(place(i, problem_.filters, out));
    if (!(std::fabs(got - want) <= (exact() ? 0 : bound))) {
      return text("y(image ", i / out / problem_.filters, ", filter ", i / out % problem_.filters, ", pixel ", i % out,
                  ") is ", got, ", expected ", want, " +- ", bound);
    }
  }
  return "";
}

}  // namespace leno_test
