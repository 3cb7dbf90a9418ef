#include "ops/conv2d_check.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "plan/explain.h"

namespace leno::ops {
namespace {

constexpr int64_t kMostExtent = int64_t{1} << 24;    // of a dimension
constexpr int64_t kMostElements = int64_t{1} << 40;  // of x or y
constexpr size_t kMostSizes = 16;

void require_range(const char* name, int64_t value, int64_t least, int64_t most) {
  require(value >= least && value <= most, LENO_ERR_INVALID_ARGUMENT, name, " is ", value, ", expected ", least, " .. ",
          most);
}

// A pad that is no smaller than the kernel makes outputs of zeros alone.
void require_pad(const char* name, int64_t pad, int64_t kernel, int64_t dilation) {
  const int64_t extent = (kernel - 1) * dilation + 1;
  require(pad >= 0 && pad < extent, LENO_ERR_INVALID_ARGUMENT, name, " is ", pad, ", expected 0 .. ", extent - 1,
          ": less than the kernel's extent");
}

void check_geometry(const Conv2dOptions& o) {
  const kernels::ConvGeometry& g = o.geometry;
  require_range("channels", o.channels, 1, kMostExtent);
  require_range("kernel_height", g.kernel_h, 1, kMostExtent);
  require_range("kernel_width", g.kernel_w, 1, kMostExtent);
  require_range("stride_height", g.stride_h, 1, kMostExtent);
  require_range("stride_width", g.stride_w, 1, kMostExtent);
  require_range("dilation_height", g.dilation_h, 1, kMostExtent);
  require_range("dilation_width", g.dilation_w, 1, kMostExtent);
  require_pad("pad_top", g.pad_top, g.kernel_h, g.dilation_h);
  require_pad("pad_bottom", g.pad_bottom, g.kernel_h, g.dilation_h);
  require_pad("pad_left", g.pad_left, g.kernel_w, g.dilation_w);
  require_pad("pad_right", g.pad_right, g.kernel_w, g.dilation_w);
}

void check_types(Device::Kind device, const Conv2dOptions& o, DType weights) {
  if (device == Device::Kind::cpu) {
    require(weights != DType::f16 && weights != DType::e4m3, LENO_ERR_UNSUPPORTED, "packed holds ", name_of(weights),
            " weights, which CUDA devices multiply, expected f32, bf16 or i8 on a CPU device");
    require(o.io == DType::f32 || o.io == DType::bf16, LENO_ERR_UNSUPPORTED, "io_dtype is ", name_of(o.io),
            ", expected f32 or bf16 on a CPU device");
    return;
  }
  require(o.activation <= kernels::Activation::leaky_relu, LENO_ERR_UNSUPPORTED, "activation is ",
          plan::name_of(o.activation),
          ", expected none, relu, gelu_erf, gelu_tanh, silu, relu6 or leaky_relu on a CUDA device, whose kernels have "
          "no others");
  require(weights == DType::f16 || weights == DType::bf16 || weights == DType::f32, LENO_ERR_UNSUPPORTED,
          "packed holds ", name_of(weights),
          " weights, expected f32, f16 or bf16 for a convolution on a CUDA device: leno_packed_convert "
          "(PackedWeights.convert) makes such weights of these");
  require(o.io == DType::f32 || o.io == weights, LENO_ERR_UNSUPPORTED, "io_dtype is ", name_of(o.io), ", expected f32",
          weights == DType::f32 ? "" : " or ", weights == DType::f32 ? "" : name_of(weights), " with ",
          name_of(weights), " weights on a CUDA device");
}

void check_weights(const Conv2dOptions& o, const PackedWeights& packed) {
  const kernels::ConvGeometry& g = o.geometry;
  require(o.groups >= 1 && o.channels % o.groups == 0, LENO_ERR_INVALID_SHAPE, "groups is ", o.groups,
          ", expected a divisor of the ", o.channels, " channels");
  require(packed.rows() % o.groups == 0, LENO_ERR_INVALID_SHAPE, "groups is ", o.groups, ", expected a divisor of the ",
          packed.rows(), " filters");
  const int64_t of_group = o.channels / o.groups, columns = packed.columns();
  require(
      columns % of_group == 0 && columns / of_group % g.kernel_h == 0 && columns / of_group / g.kernel_h == g.kernel_w,
      LENO_ERR_INVALID_SHAPE, "packed has ", columns, " columns, expected ", g.kernel_h, " x ", g.kernel_w, " x ",
      of_group, " (kernel_height x kernel_width x channels of a group)");
  require(o.bias.empty() || int64_t(o.bias.size()) == packed.rows(), LENO_ERR_INVALID_SHAPE, "bias has ", o.bias.size(),
          " values, expected one for each of the ", packed.rows(), " filters");
  for (size_t i = 0; i < o.bias.size(); ++i) {
    require(std::isfinite(o.bias[i]), LENO_ERR_NOT_FINITE, "bias[", i, "] is ", o.bias[i],
            ", expected a finite number");
  }
  require(std::isfinite(o.negative_slope), LENO_ERR_NOT_FINITE, "negative_slope is ", o.negative_slope,
          ", expected a finite number");
}

// begin and end of `count` elements
std::pair<uintptr_t, uintptr_t> extent(const plan::ConvQuestion& q, const char* name, const void* data, int64_t count) {
  const auto bytes = static_cast<uintptr_t>(size_of(q.spec.io)), begin = reinterpret_cast<uintptr_t>(data);
  require(data != nullptr, LENO_ERR_INVALID_ARGUMENT, name, " is NULL, expected an address");
  require(begin % bytes == 0, LENO_ERR_MISALIGNED, name, " is at ", data, ", expected a multiple of ", bytes, " bytes");
  return {begin, begin + static_cast<uintptr_t>(count) * bytes};
}

}  // namespace

Conv2dOptions checked(Device::Kind device, Conv2dOptions o, const PackedWeights& packed) {
  check_geometry(o);
  check_types(device, o, packed.dtype());
  check_weights(o, packed);
  o.geometry.channels = o.channels / o.groups;
  o.geometry.filters = packed.rows() / o.groups;
  require(!o.sizes.empty() && o.sizes.size() <= kMostSizes, LENO_ERR_INVALID_ARGUMENT, "sizes_count is ",
          o.sizes.size(), ", expected 1 .. ", kMostSizes);
  plan::ConvQuestion question;
  question.spec.geometry = o.geometry;
  question.groups = o.groups;
  for (const ImageSize& size : o.sizes) {
    require(size.batch >= 1, LENO_ERR_INVALID_ARGUMENT, "batch is ", size.batch, ", expected at least 1");
    check_size(question, size);
  }
  const auto pixels = [&](const ImageSize& size) { return question.out_pixels(size); };
  std::stable_sort(o.sizes.begin(), o.sizes.end(), [&](auto& a, auto& b) { return pixels(a) < pixels(b); });
  const auto same = [&](auto& a, auto& b) { return pixels(a) == pixels(b); };
  o.sizes.erase(std::unique(o.sizes.begin(), o.sizes.end(), same), o.sizes.end());
  return o;
}

void check_size(const plan::ConvQuestion& q, const ImageSize& size) {
  require(size.batch >= 0 && size.batch <= kMostExtent, LENO_ERR_INVALID_ARGUMENT, "batch is ", size.batch,
          ", expected 0 .. ", kMostExtent);
  require_range("height", size.height, 1, kMostExtent);
  require_range("width", size.width, 1, kMostExtent);
  const kernels::ConvGeometry& g = q.spec.geometry;
  const int64_t rows = (g.kernel_h - 1) * g.dilation_h + 1, columns = (g.kernel_w - 1) * g.dilation_w + 1;
  require(size.height + g.pad_top + g.pad_bottom >= rows, LENO_ERR_INVALID_SHAPE, "height is ", size.height,
          ", with pads ", size.height + g.pad_top + g.pad_bottom, ", expected at least the ", rows,
          " rows of the kernel: y would be empty");
  require(size.width + g.pad_left + g.pad_right >= columns, LENO_ERR_INVALID_SHAPE, "width is ", size.width,
          ", with pads ", size.width + g.pad_left + g.pad_right, ", expected at least the ", columns,
          " columns of the kernel: y would be empty");
  const int64_t batch = std::max<int64_t>(size.batch, 1), pixels = size.height * size.width;
  require(pixels <= kMostElements / batch / q.channels(), LENO_ERR_INVALID_SHAPE, "x has ", batch, " x ", q.channels(),
          " x ", size.height, " x ", size.width, " elements, expected at most 2^40");
  const int64_t out = g.out_height(size.height) * g.out_width(size.width);
  require(out <= kMostElements / batch / q.filters(), LENO_ERR_INVALID_SHAPE, "y has ", batch, " x ", q.filters(),
          " x ", out, " elements, expected at most 2^40");
}

void check_images(const plan::ConvQuestion& q, const ImageSize& size, const void* x, const void* residual,
                  const void* y) {
  require(q.residual || residual == nullptr, LENO_ERR_INVALID_ARGUMENT, "residual is at ", residual,
          ", expected NULL: the operator was created without one");
  if (size.batch == 0) return;
  const auto from = extent(q, "x", x, size.batch * q.channels() * size.height * size.width);
  const auto to = extent(q, "y", y, q.out_pixels(size) * q.filters());
  require(to.first >= from.second || from.first >= to.second, LENO_ERR_INVALID_ARGUMENT, "y at ", y, " overlaps x at ",
          x, ", expected separate memory");
  if (!q.residual) return;
  const auto added = extent(q, "residual", residual, q.out_pixels(size) * q.filters());
  require(added.first == to.first || to.first >= added.second || added.first >= to.second, LENO_ERR_INVALID_ARGUMENT,
          "y at ", y, " overlaps residual at ", residual, ", expected separate memory, or the same address");
}

}  // namespace leno::ops
