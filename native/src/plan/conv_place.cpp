#include "plan/conv_place.h"

#include "core/error.h"

namespace leno::plan {

using kernels::ConvCall;
using kernels::ConvGeometry;
using kernels::ConvImages;
using kernels::ConvSpec;
using kernels::ImageLayout;
using kernels::Layout;

kernels::LinearSpec as_linear(const ConvSpec& spec) {
  return {spec.geometry.filters,
          spec.geometry.channels,
          spec.layout == ImageLayout::nchw ? Layout::feature_major : Layout::token_major,
          spec.io,
          spec.activation,
          spec.bias,
          spec.negative_slope};
}
int64_t linear_tokens(const ConvSpec& spec, const ImageSize& size) {
  return (spec.layout == ImageLayout::nchw ? 1 : size.batch) * size.height * size.width;
}

std::string refuse_as_linear(const ConvQuestion& q) {
  const ConvGeometry& g = q.spec.geometry;
  if (g.kernel_h * g.kernel_w > 1) return text("a linear layer, the kernel is ", g.kernel_h, " x ", g.kernel_w);
  if (g.stride_h > 1 || g.stride_w > 1) return text("a linear layer, the stride is ", g.stride_h, " x ", g.stride_w);
  if (q.groups > 1) return text("a linear layer, there are ", q.groups, " groups");
  if (q.residual && q.spec.residual_first) return "a linear layer, whose residual comes after the activation";
  return "";
}

int64_t linear_calls(const ConvSpec& spec, int64_t batch) { return spec.layout == ImageLayout::nchw ? batch : 1; }

kernels::LinearCall linear_call(const ConvSpec& spec, const ConvCall& call, int64_t n) {
  const bool nchw = spec.layout == ImageLayout::nchw;
  const int64_t pixels = call.height * call.width, bytes = size_of(spec.io);
  kernels::LinearCall one;
  one.tokens = nchw ? pixels : call.batch * pixels;
  one.x = static_cast<const std::byte*>(call.x.data) + n * call.x.image * bytes;
  one.ldx = nchw ? call.x.channel : call.x.pixel;
  if (call.residual.data != nullptr) {
    one.residual = static_cast<const std::byte*>(call.residual.data) + n * call.residual.image * bytes;
    one.ldresidual = nchw ? call.residual.channel : call.residual.pixel;
  }
  one.y = static_cast<std::byte*>(call.y) + n * call.y_image * bytes;
  one.ldy = nchw ? call.y_channel : call.y_pixel;
  return one;
}

std::shared_ptr<const PackedWeights> part_of(const PackedWeights& packed, const ConvGeometry& g, int64_t group) {
  const int64_t taps = g.kernel_h * g.kernel_w;
  std::vector<int32_t> column_of(size_t(g.columns()));
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t c = 0; c < g.channels; ++c) column_of[size_t(tap * g.channels + c)] = int32_t(c * taps + tap);
  }
  return packed.part(group * g.filters, g.filters, column_of);
}

ConvCall conv_call(const ConvQuestion& q, const ImageSize& size, const void* x, const void* residual, void* y) {
  const ConvGeometry& g = q.spec.geometry;
  const bool nhwc = q.spec.layout == ImageLayout::nhwc;
  const int64_t in = size.height * size.width, out = g.out_height(size.height) * g.out_width(size.width);
  const auto images = [nhwc](const void* data, int64_t channels, int64_t pixels) {
    return ConvImages{data, channels * pixels, nhwc ? 1 : pixels, nhwc ? channels : 1};
  };
  ConvCall call;
  call.batch = size.batch;
  call.height = size.height;
  call.width = size.width;
  call.x = images(x, q.channels(), in);
  call.residual = images(residual, q.filters(), out);
  const ConvImages to = images(y, q.filters(), out);
  call.y = y;
  call.y_image = to.image;
  call.y_channel = to.channel;
  call.y_pixel = to.pixel;
  return call;
}

const ImageSize& ConvPlace::size_of(int64_t pixels) const {
  for (const ImageSize& size : question_.sizes) {
    if (question_.out_pixels(size) >= pixels) return size;
  }
  return question_.sizes.back();
}

std::string ConvPlace::key(const Bucket& b) const {
  const std::string used = use();
  const PackedWeights& packed = weights_.given();
  const ConvGeometry& g = question_.spec.geometry;
  const ImageSize& size = size_of(b.tokens);
  return text("conv2d ", used, used.empty() ? "" : " ", "filters=", packed.rows(), " channels=", question_.channels(),
              " groups=", question_.groups, " kernel=", g.kernel_h, "x", g.kernel_w, " stride=", g.stride_h, "x",
              g.stride_w, " dilation=", g.dilation_h, "x", g.dilation_w, " pads=", g.pad_top, ",", g.pad_left, ",",
              g.pad_bottom, ",", g.pad_right, " V=", packed.dense() ? 0 : packed.vector(),
              " kept=", packed.kept_weights(), " permuted=", !packed.identity(), " weights=", name_of(packed.dtype()),
              " io=", name_of(question_.spec.io), " layout=", static_cast<int>(question_.spec.layout),
              " activation=", static_cast<int>(question_.spec.activation), " bias=", question_.spec.bias != nullptr,
              " residual=", question_.residual, question_.spec.residual_first ? " first" : "", " batch=", size.batch,
              " height=", size.height, " width=", size.width);
}

}  // namespace leno::plan
