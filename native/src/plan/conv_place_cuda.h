#pragma once

#include <map>

#include "plan/conv_place.h"
#include "plan/linear_place_cuda.h"

namespace leno::plan {

using CudaConvKernels = std::span<const kernels::cuda::ConvKernel* const>;

kernels::cuda::ConvTask conv_task(const ConvQuestion& question, const ImageSize& size);

// What a forward of one row needs on a card. Convolutions that are linear layers have the rows of these, too: images of
// NCHW are a layer each, one after another.
struct CudaConvRun {
  const CudaDevice& device;
  const kernels::cuda::Card& card;
  const ConvQuestion& question;
  KernelRow kernel;
  const DeviceWeights& weights;

  // Why the row cannot serve images of this size, "" where it can.
  static std::string refuse(const CudaDevice& device, const kernels::cuda::Card& card, const ConvQuestion& question,
                            const KernelRow& kernel, const kernels::WeightsKind& weights, const ImageSize& size);
  int64_t workspace_bytes(const ImageSize& size) const;
  // Loads the kernels that images of this size need, whatever their addresses are.
  void load(const ImageSize& size) const;
  // Puts a forward on a stream: all addresses are the card's and checked. Allocates nothing.
  void submit(const ImageSize& size, const void* x, const void* residual, void* y, std::byte* workspace,
              cuda::CUstream stream) const;
};

// Kernels of CUDA devices for a convolution.
class CudaConvPlace final : public ConvPlace {
 public:
  CudaConvPlace(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question,
                CudaConvKernels kernels);
  std::vector<KernelRow> kernels() const override;
  std::string refuse(const KernelRow& kernel) const override;
  std::string refuse(const KernelRow& kernel, bool dense, int64_t pixels) const override;
  bool last_resort(const KernelRow&) const override { return false; }
  std::string needless(const Candidate& c, int64_t pixels, const std::vector<Candidate>& able) const override;
  std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) override;
  Times time(const std::vector<Candidate>& candidates, int64_t pixels) override;
  int64_t most_tokens() const override { return kMaxTokens; }  // the last serves more, too
  std::string machine() const override { return machine_of(device_->info()); }
  std::string use() const override { return ""; }

 private:
  // Linear kernels share the weights of the convolution's that want the same format: theirs are of one group.
  static const kernels::LinearFormat* format_of(const KernelRow& kernel);

  const std::shared_ptr<CudaDevice> device_;
  const kernels::cuda::Card card_;
  const CudaConvKernels kernels_;
  std::shared_ptr<const cuda::DeviceMemory> bias_;
  std::map<std::pair<const kernels::LinearFormat*, bool>, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

}  // namespace leno::plan
