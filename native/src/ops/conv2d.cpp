#include "ops/conv2d.h"

#include <algorithm>

#include "core/error.h"
#include "ops/conv2d_check.h"
#include "plan/linear_place_cpu.h"

namespace leno::ops {
namespace {

plan::ConvQuestion question_of(const Conv2dOptions& o) {
  plan::ConvQuestion q;
  q.spec = {o.geometry,
            o.layout,
            o.io,
            o.activation,
            o.negative_slope,
            o.residual_first,
            o.bias.empty() ? nullptr : o.bias.data()};
  q.groups = o.groups;
  q.residual = o.residual;
  q.sizes = o.sizes;
  for (const ImageSize& size : o.sizes) q.buckets.push_back(q.out_pixels(size));
  q.kernel = o.kernel;
  q.plan_file = o.plan_file;
  return q;
}

}  // namespace

Conv2d::Conv2d(Device& device, const PackedWeights& packed, Conv2dOptions options, plan::PlaceDescription place)
    : device_(device),
      place_(std::move(place)),
      options_(checked(device.kind(), std::move(options), packed)),
      question_(question_of(options_)),
      weights_(packed) {}

Conv2d::Conv2d(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, Conv2dOptions options,
               plan::ConvKernels kernels)
    : Conv2d(device, *packed, std::move(options), plan::CpuPlace::describe(device)) {
  cpu_ = &device;
  plan::CpuConvPlace place(device, std::move(packed), question_, kernels);
  plan_ = plan::plan_kernels(place);
}

Conv2d::Conv2d(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, Conv2dOptions options,
               plan::CudaConvKernels kernels)
    : Conv2d(device, *packed, std::move(options), plan::CudaPlace::describe(device)) {
  cuda_ = std::make_unique<const CudaConv2d>(device, question_);
  plan::CudaConvPlace place(device, std::move(packed), question_, kernels);
  plan_ = plan::plan_kernels(place);
  for (const plan::PlannedBucket& b : plan_.buckets) cuda_->prepare(b);
}

std::unique_ptr<Conv2d> Conv2d::make(Device& device, std::shared_ptr<const PackedWeights> packed,
                                     Conv2dOptions options) {
  if (device.kind() == Device::Kind::cuda) {
    return std::make_unique<Conv2d>(static_cast<CudaDevice&>(device), std::move(packed), std::move(options));
  }
  return std::make_unique<Conv2d>(static_cast<CpuDevice&>(device), std::move(packed), std::move(options));
}

std::pair<int64_t, int64_t> Conv2d::out_size(int64_t height, int64_t width) const {
  check_size(question_, {1, height, width});
  const kernels::ConvGeometry& g = question_.spec.geometry;
  return {g.out_height(height), g.out_width(width)};
}

kernels::WeightsKind Conv2d::kind(bool dense) const {
  dense = dense || weights_.dense;
  return {weights_.dtype, dense, dense ? PackedWeights::kDenseVector : weights_.vector};
}

const plan::PlannedBucket& Conv2d::bucket(const ImageSize& size) const {
  const int64_t pixels = question_.out_pixels(size);
  for (const plan::PlannedBucket& b : plan_.buckets) {
    if (pixels <= b.bucket.to) return b;
  }
  return plan_.buckets.back();
}

int64_t Conv2d::part_scratch(const ImageSize& size, int parts) const {
  const plan::PlannedBucket& b = bucket(size);
  return plan::conv_scratch(b.kernel, static_cast<const plan::ConvWeights&>(*b.weights), question_, size, parts);
}

// The CPU's pool hands out all of its parts, or one where it is busy.
int64_t Conv2d::scratch(const ImageSize& size) const {
  if (cuda_ != nullptr) return cuda_->workspace(bucket(size), size);
  const int threads = cpu_->threads();
  return std::max(part_scratch(size, 1), threads * part_scratch(size, threads));
}

int64_t Conv2d::workspace_size(const ImageSize& size) const {
  check_size(question_, size);
  return size.batch == 0 ? 0 : scratch(size);
}

void Conv2d::forward(Context& context, const ImageSize& size, const void* x, const void* residual, void* y) const {
  check_size(question_, size);
  check_images(question_, size, x, residual, y);
  require(&context.device() == &device_, LENO_ERR_INVALID_ARGUMENT,
          "context belongs to another device than the operator");
  require(context.try_enter(), LENO_ERR_INVALID_STATE,
          "context is in use by another forward, expected one that is free");
  struct Leave {
    Context& context;
    ~Leave() { context.leave(); }
  } leave{context};
  if (size.batch == 0) return;
  const plan::PlannedBucket& b = bucket(size);
  const std::string refusal = cuda_ != nullptr ? cuda_->refuse(b, kind(b.dense), size)
                                               : plan::refuse_size(b.kernel, kind(b.dense), question_, size);
  require(refusal.empty(), LENO_ERR_UNSUPPORTED, b.kernel.name(), " cannot serve this size: ", refusal);
  const int64_t needed = scratch(size);
  require(context.capacity() >= needed, LENO_ERR_BUFFER_TOO_SMALL, "context has ", context.capacity(),
          " bytes of scratch, expected ", needed, " for a batch of ", size.batch, " x ", size.height, " x ",
          size.width);
  if (cuda_ != nullptr) {
    cuda_->forward(static_cast<CudaContext&>(context), b, size, x, residual, y);
    return;
  }
  const auto& weights = static_cast<const plan::ConvWeights&>(*b.weights);
  const kernels::ConvCall call = plan::conv_call(question_, size, x, residual, y);
  cpu_->pool().run([&](int part, int parts) {
    std::byte* scratch = context.scratch() + part * (parts == 1 ? 0 : part_scratch(size, parts));
    plan::run_conv(b.kernel, weights, question_, call, scratch, part, parts);
  });
}

const char* Conv2d::kernel_name(const ImageSize& size) const {
  try {
    check_size(question_, size);
  } catch (const Error&) {
    return nullptr;
  }
  return bucket(size).kernel.name();
}

std::string Conv2d::explain() const {
  const kernels::ConvGeometry& g = question_.spec.geometry;
  plan::Account account("conv2d");
  account.tell("filters", question_.filters());
  account.tell("channels", question_.channels());
  account.tell("groups", question_.groups);
  account.tell("kernel", {g.kernel_h, g.kernel_w});
  account.tell("stride", {g.stride_h, g.stride_w});
  account.tell("dilation", {g.dilation_h, g.dilation_w});
  account.tell("pads", {g.pad_top, g.pad_left, g.pad_bottom, g.pad_right});
  std::vector<int64_t> sizes;
  for (const ImageSize& s : question_.sizes) sizes.insert(sizes.end(), {s.batch, s.height, s.width});
  account.tell("sizes", sizes);
  account.tell(weights_);
  account.tell("layout", question_.spec.layout == kernels::ImageLayout::nchw ? "nchw" : "nhwc");
  account.tell("io_dtype", leno::name_of(question_.spec.io));
  account.tell("activation", plan::name_of(question_.spec.activation));
  account.tell("bias", question_.spec.bias != nullptr);
  account.tell("residual", !question_.residual ? "none" : question_.spec.residual_first ? "before" : "after");
  account.tell(place_);
  account.tell(question_, plan_);
  return account.text();
}

}  // namespace leno::ops
