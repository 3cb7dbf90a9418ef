#pragma once

#include "core/cuda/context.h"
#include "plan/conv_place_cuda.h"
#include "plan/planner.h"

namespace leno::ops {

// What a convolution does on a card.
class CudaConv2d {
 public:
  CudaConv2d(CudaDevice& device, const plan::ConvQuestion& question);

  // Why the bucket's kernel cannot serve images of this size, "" where it can.
  std::string refuse(const plan::PlannedBucket& bucket, const kernels::WeightsKind& weights,
                     const plan::ImageSize& size) const;
  int64_t workspace(const plan::PlannedBucket& bucket, const plan::ImageSize& size) const;
  // Loads every kernel that a forward of the bucket may launch.
  void prepare(const plan::PlannedBucket& bucket) const;
  // Puts a forward that was checked on the context's stream. The context holds the workspace.
  void forward(CudaContext& context, const plan::PlannedBucket& bucket, const plan::ImageSize& size, const void* x,
               const void* residual, void* y) const;

 private:
  plan::CudaConvRun run(const plan::PlannedBucket& bucket) const;

  const std::shared_ptr<CudaDevice> device_;
  const kernels::cuda::Card card_;
  const plan::ConvQuestion& question_;
};

}  // namespace leno::ops
