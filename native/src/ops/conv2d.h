#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "kernels/registry.h"
#include "ops/conv2d_cuda.h"
#include "plan/conv_place_cpu.h"
#include "plan/explain.h"
#include "plan/planner.h"

namespace leno::ops {

using plan::ImageSize;

struct Conv2dOptions {
  int64_t channels = 0, groups = 1;
  kernels::ConvGeometry geometry;  // channels and filters follow from the two above and from the weights
  kernels::ImageLayout layout = kernels::ImageLayout::nchw;
  DType io = DType::f32;
  kernels::Activation activation = kernels::Activation::none;
  float negative_slope = 0.01f;
  bool residual = false, residual_first = false;
  std::vector<float> bias;  // of all filters, or none
  std::vector<ImageSize> sizes;
  std::string kernel;     // "": choose
  std::string plan_file;  // "": none
};

// Y = act(X * W + bias) with a residual before or behind the activation. Immutable: any number of threads may run it,
// each with its own context.
class Conv2d {
 public:
  // Chooses the kernels, which takes some milliseconds per size and candidate. The device must outlive the operator.
  static std::unique_ptr<Conv2d> make(Device& device, std::shared_ptr<const PackedWeights> packed,
                                      Conv2dOptions options);
  Conv2d(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, Conv2dOptions options,
         plan::ConvKernels kernels = kernels::conv_kernels());
  Conv2d(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, Conv2dOptions options,
         plan::CudaConvKernels kernels = kernels::cuda::conv_kernels());
  Conv2d(const Conv2d&) = delete;
  Conv2d& operator=(const Conv2d&) = delete;

  // Of y, for x of so many rows and columns. Throws where y would be empty.
  std::pair<int64_t, int64_t> out_size(int64_t height, int64_t width) const;
  // Scratch bytes of a forward on images of this size.
  int64_t workspace_size(const ImageSize& size) const;
  // Runs on the device's threads, or puts the work on the context's stream. Allocates nothing; throws Error before
  // anything is written.
  void forward(Context& context, const ImageSize& size, const void* x, const void* residual, void* y) const;

  const plan::ConvQuestion& question() const { return question_; }
  // nullptr for a size that no forward takes.
  const char* kernel_name(const ImageSize& size) const;
  std::string explain() const;

 private:
  kernels::WeightsKind kind(bool dense) const;
  const plan::PlannedBucket& bucket(const ImageSize& size) const;
  int64_t scratch(const ImageSize& size) const;
  int64_t part_scratch(const ImageSize& size, int parts) const;

  Conv2d(Device& device, const PackedWeights& packed, Conv2dOptions options, plan::PlaceDescription place);

  Device& device_;
  CpuDevice* cpu_ = nullptr;  // device_ where it is one
  const plan::PlaceDescription place_;
  const Conv2dOptions options_;
  const plan::ConvQuestion question_;
  const plan::WeightsDescription weights_;
  std::unique_ptr<const CudaConv2d> cuda_;  // on a CUDA device
  plan::Plan plan_;
};

}  // namespace leno::ops
