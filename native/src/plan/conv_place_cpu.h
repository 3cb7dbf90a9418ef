#pragma once

#include <map>
#include <span>

#include "core/device.h"
#include "plan/conv_place.h"

namespace leno::plan {

// The weights of every group, in the layout of one kernel.
struct ConvWeights final : kernels::PreparedWeights {
  std::vector<std::shared_ptr<const kernels::PreparedWeights>> groups;
  int64_t bytes() const override;
};

using ConvKernels = std::span<const kernels::ConvKernel* const>;

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
class CpuConvPlace final : public ConvPlace {
 public:
  CpuConvPlace(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question,
               ConvKernels kernels);
  std::vector<KernelRow> kernels() const override;
  std::string refuse(const KernelRow& kernel) const override;
  std::string refuse(const KernelRow& kernel, bool dense, int64_t pixels) const override;
  bool last_resort(const KernelRow& kernel) const override;
  std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) override;
  Times time(const std::vector<Candidate>& candidates, int64_t pixels) override;
  int64_t most_tokens() const override { return kMaxTokens; }  // the last serves more, too
  std::string machine() const override;
  std::string use() const override;

 private:
  CpuDevice& device_;
  const ConvKernels kernels_;
  std::map<std::pair<const kernels::LinearFormat*, bool>, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

}  // namespace leno::plan
