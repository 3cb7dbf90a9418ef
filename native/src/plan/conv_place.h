#pragma once

#include <map>
#include <span>

#include "core/device.h"
#include "plan/place.h"

namespace leno::plan {

struct ImageSize {
  int64_t batch = 1, height = 1, width = 1;
};

// Buckets count output pixels, batch and all: those of `sizes`, ascending.
struct ConvQuestion : PlanRequest {
  kernels::ConvSpec spec;  // of one group
  int64_t groups = 1;
  bool residual = false;
  std::vector<ImageSize> sizes;

  int64_t channels() const { return groups * spec.geometry.channels; }
  int64_t filters() const { return groups * spec.geometry.filters; }
  int64_t out_pixels(const ImageSize& size) const {
    return size.batch * spec.geometry.out_height(size.height) * spec.geometry.out_width(size.width);
  }
};

// The weights of every group, in the layout of one kernel.
struct ConvWeights final : kernels::PreparedWeights {
  std::vector<std::shared_ptr<const kernels::PreparedWeights>> groups;
  int64_t bytes() const override;
};

using ConvKernels = std::span<const kernels::ConvKernel* const>;

// A forward on images that lie without gaps.
kernels::ConvCall conv_call(const ConvQuestion& question, const ImageSize& size, const void* x, const void* residual,
                            void* y);
// Why the kernel cannot serve images of this size, "" where it can.
std::string refuse_size(const KernelRow& kernel, const kernels::WeightsKind& weights, const ConvQuestion& question,
                        const ImageSize& size);
// Scratch bytes of one part.
int64_t conv_scratch(const KernelRow& kernel, const ConvWeights& weights, const ConvQuestion& question,
                     const ImageSize& size, int parts);
// Part `part` of `parts` of a forward, group by group.
void run_conv(const KernelRow& kernel, const ConvWeights& weights, const ConvQuestion& question,
              const kernels::ConvCall& call, std::byte* scratch, int part, int parts) noexcept;

// Kernels of the CPU for a convolution: its own, and those of the linear operator where a kernel is one pixel.
class ConvPlace final : public Place {
 public:
  // packed: filters x (kernel_h kernel_w channels of a group), channels innermost.
  ConvPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question,
            ConvKernels kernels);
  std::vector<KernelRow> kernels() const override;
  std::string refuse(const KernelRow& kernel) const override;
  std::string refuse(const KernelRow& kernel, bool dense, int64_t pixels) const override;
  bool last_resort(const KernelRow& kernel) const override;
  std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) override;
  Times time(const std::vector<Candidate>& candidates, int64_t pixels) override;
  int64_t most_tokens() const override { return kMaxTokens; }  // the last serves more, too
  int64_t timed_tokens(int64_t pixels) const override { return pixels; }
  std::string machine() const override;
  std::string key(const Bucket& bucket) const override;

 private:
  const ImageSize& size_of(int64_t pixels) const;

  CpuDevice& device_;
  const ConvQuestion& question_;
  const ConvKernels kernels_;
  std::map<std::pair<const kernels::LinearFormat*, bool>, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

}  // namespace leno::plan
