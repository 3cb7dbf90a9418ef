#include "plan/conv_place.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "kernels/registry.h"
#include "plan/linear_place_cpu.h"
#include "plan/measured.h"
#include "plan/timing.h"

namespace leno::plan {
namespace {

using kernels::ConvCall;
using kernels::ConvGeometry;
using kernels::ConvImages;
using kernels::ConvSpec;
using kernels::ImageLayout;
using kernels::Layout;

// As a linear layer: of an image (NCHW: its pixels are the tokens of a feature-major matrix), or of all (NHWC).
kernels::LinearSpec linear_spec(const ConvSpec& spec) {
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

std::string refuse_linear(const ConvQuestion& q) {
  const ConvGeometry& g = q.spec.geometry;
  if (g.kernel_h * g.kernel_w > 1) return text("a linear layer, the kernel is ", g.kernel_h, " x ", g.kernel_w);
  if (g.stride_h > 1 || g.stride_w > 1) return text("a linear layer, the stride is ", g.stride_h, " x ", g.stride_w);
  if (q.groups > 1) return text("a linear layer, there are ", q.groups, " groups");
  if (q.residual && q.spec.residual_first) return "a linear layer, whose residual comes after the activation";
  return "";
}

void run_linear(const kernels::LinearKernel& kernel, const kernels::PreparedWeights& weights, const ConvSpec& spec,
                const ConvCall& call, std::byte* scratch, int part, int parts) noexcept {
  const kernels::LinearSpec linear = linear_spec(spec);
  const bool nchw = spec.layout == ImageLayout::nchw;
  const int64_t pixels = call.height * call.width, bytes = size_of(spec.io);
  for (int64_t n = 0; n < (nchw ? call.batch : 1); ++n) {
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
    kernel.run(weights, linear, one, scratch, part, parts);
  }
}

// The packed weights of a group, its columns as the kernels want them: those of a channel side by side.
std::shared_ptr<const PackedWeights> part_of(const PackedWeights& packed, const ConvGeometry& g, int64_t group) {
  const int64_t taps = g.kernel_h * g.kernel_w;
  std::vector<int32_t> column_of(size_t(g.columns()));
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t c = 0; c < g.channels; ++c) column_of[size_t(tap * g.channels + c)] = int32_t(c * taps + tap);
  }
  return packed.part(group * g.filters, g.filters, column_of);
}

}  // namespace

int64_t ConvWeights::bytes() const {
  int64_t bytes = 0;
  for (const auto& group : groups) bytes += group->bytes();
  return bytes;
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

std::string refuse_size(const KernelRow& row, const kernels::WeightsKind& weights, const ConvQuestion& q,
                        const ImageSize& size) {
  if (row.conv != nullptr) return row.conv->refuse(weights, q.spec, size.batch, size.height, size.width);
  return row.cpu->refuse(weights, linear_spec(q.spec), linear_tokens(q.spec, size));
}

int64_t conv_scratch(const KernelRow& row, const ConvWeights& weights, const ConvQuestion& q, const ImageSize& size,
                     int parts) {
  int64_t bytes = 0;
  for (const auto& group : weights.groups) {
    bytes =
        std::max(bytes, row.conv != nullptr
                            ? row.conv->scratch_bytes(*group, q.spec, size.batch, size.height, size.width, parts)
                            : row.cpu->scratch_bytes(*group, linear_spec(q.spec), linear_tokens(q.spec, size), parts));
  }
  return bytes;
}

void run_conv(const KernelRow& row, const ConvWeights& weights, const ConvQuestion& q, const ConvCall& call,
              std::byte* scratch, int part, int parts) noexcept {
  const ConvGeometry& g = q.spec.geometry;
  const int64_t bytes = size_of(q.spec.io);
  for (size_t group = 0; group < weights.groups.size(); ++group) {
    const auto index = static_cast<int64_t>(group);
    ConvSpec spec = q.spec;
    if (spec.bias != nullptr) spec.bias += index * g.filters;
    ConvCall own = call;
    own.x.data = static_cast<const std::byte*>(call.x.data) + index * g.channels * call.x.channel * bytes;
    own.y = static_cast<std::byte*>(call.y) + index * g.filters * call.y_channel * bytes;
    if (call.residual.data != nullptr) {
      own.residual.data =
          static_cast<const std::byte*>(call.residual.data) + index * g.filters * call.residual.channel * bytes;
    }
    if (row.conv != nullptr) {
      row.conv->run(*weights.groups[group], spec, own, scratch, part, parts);
    } else {
      run_linear(*row.cpu, *weights.groups[group], spec, own, scratch, part, parts);
    }
  }
}

ConvPlace::ConvPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question,
                     ConvKernels kernels)
    : Place(std::move(packed), question), device_(device), question_(question), kernels_(kernels) {}

std::vector<KernelRow> ConvPlace::kernels() const {
  std::vector<KernelRow> rows;
  for (const kernels::ConvKernel* kernel : kernels_) rows.push_back({.conv = kernel});
  for (const kernels::LinearKernel* kernel : kernels::linear_kernels()) rows.push_back({.cpu = kernel});
  return rows;
}

std::string ConvPlace::refuse(const KernelRow& row) const {
  if (row.cpu != nullptr) {
    const std::string reason = refuse_linear(question_);
    if (!reason.empty()) return reason;
  }
  const DType weights = weights_.given().dtype();
  if (row.weights() != weights) {
    return text("it multiplies ", name_of(row.weights()), " weights, these are ", name_of(weights));
  }
  return refuse_isa(row.isa(), device_.isa());
}

const ImageSize& ConvPlace::size_of(int64_t pixels) const {
  for (const ImageSize& size : question_.sizes) {
    if (question_.out_pixels(size) >= pixels) return size;
  }
  return question_.sizes.back();
}

std::string ConvPlace::refuse(const KernelRow& row, bool dense, int64_t pixels) const {
  return refuse_size(row, weights_.kind(dense), question_, size_of(pixels));
}

bool ConvPlace::last_resort(const KernelRow& row) const { return row.isa() == Isa::portable; }

std::shared_ptr<const kernels::PreparedWeights> ConvPlace::prepared(const Candidate& c) {
  const kernels::LinearFormat* format = c.kernel.conv != nullptr ? c.kernel.conv->format : c.kernel.cpu->format;
  auto& slot = prepared_[{format, c.dense}];
  if (slot != nullptr) return slot;
  auto weights = std::make_shared<ConvWeights>();
  for (int64_t g = 0; g < question_.groups; ++g) {
    weights->groups.push_back(format->prepare(*part_of(weights_.packed(c.dense), question_.spec.geometry, g)));
  }
  return slot = weights;
}

Times ConvPlace::time(const std::vector<Candidate>& candidates, int64_t pixels) {
  const ImageSize& size = size_of(pixels);
  const int64_t in = size.batch * size.height * size.width, out = question_.out_pixels(size);
  const DType io = question_.spec.io;
  const AlignedBuffer x = random_activations(in * question_.channels(), io, 1);
  const AlignedBuffer r = random_activations(question_.residual ? out * question_.filters() : 0, io, 2);
  const AlignedBuffer y(out * question_.filters() * leno::size_of(io));
  const ConvCall call = conv_call(question_, size, x.data(), question_.residual ? r.data() : nullptr, y.data());
  int64_t scratch_bytes = 0;
  std::vector<std::function<void()>> runs;
  AlignedBuffer scratch;
  for (const Candidate& c : candidates) {
    const auto weights = std::static_pointer_cast<const ConvWeights>(prepared(c));
    const int64_t part_bytes = std::max(conv_scratch(c.kernel, *weights, question_, size, 1),
                                        conv_scratch(c.kernel, *weights, question_, size, device_.threads()));
    scratch_bytes = std::max(scratch_bytes, part_bytes * device_.threads());
    runs.push_back([&, kernel = c.kernel, weights, part_bytes] {
      device_.pool().run([&](int part, int parts) {
        run_conv(kernel, *weights, question_, call, scratch.data() + part * part_bytes, part, parts);
      });
    });
  }
  scratch = AlignedBuffer(scratch_bytes);
  const std::vector<Timing> timings = time_interleaved(runs, device_.threads() == 1);
  Times times;
  times.tokens = pixels;
  for (size_t i = 0; i < candidates.size(); ++i) times.timed.push_back(timed_candidate(candidates[i], timings[i]));
  return times;
}

std::string ConvPlace::machine() const { return cpu_name(); }

std::string ConvPlace::key(const Bucket& b) const {
  const PackedWeights& packed = weights_.given();
  const ConvGeometry& g = question_.spec.geometry;
  const ImageSize& size = size_of(b.tokens);
  return text("conv2d isa=", isa_name(device_.isa()), " threads=", device_.threads(), " filters=", packed.rows(),
              " channels=", question_.channels(), " groups=", question_.groups, " kernel=", g.kernel_h, "x", g.kernel_w,
              " stride=", g.stride_h, "x", g.stride_w, " dilation=", g.dilation_h, "x", g.dilation_w,
              " pads=", g.pad_top, ",", g.pad_left, ",", g.pad_bottom, ",", g.pad_right,
              " V=", packed.dense() ? 0 : packed.vector(), " kept=", packed.kept_weights(),
              " permuted=", !packed.identity(), " weights=", name_of(packed.dtype()),
              " io=", name_of(question_.spec.io), " layout=", static_cast<int>(question_.spec.layout),
              " activation=", static_cast<int>(question_.spec.activation), " bias=", question_.spec.bias != nullptr,
              " residual=", question_.residual, question_.spec.residual_first ? " first" : "", " batch=", size.batch,
              " height=", size.height, " width=", size.width);
}

}  // namespace leno::plan
