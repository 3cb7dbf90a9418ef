#include "ops/conv2d_cuda.h"

#include <algorithm>

#include "core/error.h"
#include "ops/linear_cuda.h"

namespace leno::ops {

using plan::ImageSize;
using plan::PlannedBucket;

CudaConv2d::CudaConv2d(CudaDevice& device, const plan::ConvQuestion& question)
    : device_(device.shared_from_this()), card_(plan::card_of(device.info())), question_(question) {}

plan::CudaConvRun CudaConv2d::run(const PlannedBucket& bucket) const {
  return {*device_, card_, question_, bucket.kernel, static_cast<const plan::DeviceWeights&>(*bucket.weights)};
}

std::string CudaConv2d::refuse(const PlannedBucket& bucket, const kernels::WeightsKind& weights,
                               const ImageSize& size) const {
  return plan::CudaConvRun::refuse(*device_, card_, question_, bucket.kernel, weights, size);
}

int64_t CudaConv2d::workspace(const PlannedBucket& bucket, const ImageSize& size) const {
  return run(bucket).workspace_bytes(size);
}

void CudaConv2d::prepare(const PlannedBucket& bucket) const {
  if (bucket.kernel.cuda_conv != nullptr) {
    run(bucket).load({});
    return;
  }
  // A bucket counts output pixels, its linear layers those of an image or of all: any count may come.
  plan::LinearQuestion question;
  question.spec = plan::as_linear(question_.spec);
  question.residual = question_.residual;
  PlannedBucket any = bucket;
  any.bucket.from = 1;
  any.bucket.to = std::min(any.bucket.to, kernels::cuda::mma_most_tokens(question.spec.rows));
  any.bucket.tokens = std::min(any.bucket.tokens, any.bucket.to);
  CudaLinear(*device_, question, {}).prepare(any);
}

void CudaConv2d::forward(CudaContext& context, const PlannedBucket& bucket, const ImageSize& size, const void* x,
                         const void* residual, void* y) const {
  const int64_t element = size_of(question_.spec.io);
  const int64_t out = question_.out_pixels(size) * question_.filters() * element;
  context.require_device_memory(x, size.batch * size.height * size.width * question_.channels() * element, "x");
  context.require_device_memory(y, out, "y");
  if (residual != nullptr) context.require_device_memory(residual, out, "residual");
  run(bucket).submit(size, x, residual, y, context.scratch(), context.stream());
}

}  // namespace leno::ops
