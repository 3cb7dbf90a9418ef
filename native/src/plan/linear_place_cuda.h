#pragma once

#include <map>
#include <span>
#include <utility>

#include "core/cuda/memory.h"
#include "kernels/cuda/linear_plan.h"
#include "plan/linear_place.h"

namespace leno::plan {

using CudaKernels = std::span<const kernels::cuda::LinearKernel* const>;

// An operator's weights on a card, in the layout of one format, and its bias.
struct DeviceWeights final : kernels::PreparedWeights {
  std::shared_ptr<const kernels::cuda::LinearWeights> layout;  // without the image
  std::unique_ptr<const cuda::DeviceMemory> image;
  std::shared_ptr<const cuda::DeviceMemory> bias;  // nullptr: none

  int64_t bytes() const override { return image->bytes(); }
  kernels::cuda::DeviceOperands operands() const {
    return {image->data(), bias == nullptr ? nullptr : reinterpret_cast<const float*>(bias->data())};
  }
};

// What a kernel's plan asks of a card.
kernels::cuda::Card card_of(const CudaInfo& info);

// Why a card cannot run the kernel, "" where it can.
std::string refuse_card(const kernels::cuda::LinearKernel& kernel, const kernels::cuda::Card& card);
std::string refuse_card(const KernelRow& kernel, const kernels::cuda::Card& card);

// A bias of the host's on the card: as it is, and behind that in the 16 bits of y for libraries that want it so.
std::shared_ptr<const cuda::DeviceMemory> bias_on_device(const std::shared_ptr<CudaDevice>& device, const float* bias,
                                                         int64_t rows, DType io);
// Moves the weights' image to the card; nobody else holds them.
std::shared_ptr<DeviceWeights> on_device(const std::shared_ptr<CudaDevice>& device,
                                         std::shared_ptr<const kernels::PreparedWeights> weights,
                                         std::shared_ptr<const cuda::DeviceMemory> bias);
// The machine as plan files know it.
std::string machine_of(const CudaInfo& info);

// Rows of tiles that `kernel` multiplies for each row of the weights' groups, the others being zeros; 0 where it has no
// tiles of rows.
double row_overhead(const KernelRow& kernel, const kernels::WeightsKind& weights, int64_t rows);
// Why a candidate is not timed beside `able`: three quarters of what it multiplies, or more, would be zeros, and a
// lower tile can run.
std::string refuse_tall_tile(const Candidate& candidate, const kernels::WeightsKind& weights, int64_t rows,
                             const std::vector<Candidate>& able);
// Why it is not timed with that many tokens: its blocks would share nothing, and one that does without can run. Only
// against tiles as low as its own, so that of all candidates at least one is left by both.
std::string refuse_idle_cluster(const Candidate& candidate, const kernels::WeightsKind& weights, int64_t rows,
                                int64_t tokens, const std::vector<Candidate>& able);

// The kernels of this build, and what libraries of the machine offer.
CudaKernels cuda_kernels();

// Loads the kernels of these launches, before they are captured or must not wait.
void load(const CudaDevice& device, const kernels::cuda::Launches& launches);
void launch(const CudaDevice& device, const kernels::cuda::Launches& launches, cuda::CUstream stream);

// Puts a forward on a stream: all addresses are the card's and checked. Allocates nothing.
void submit(const CudaDevice& device, const kernels::cuda::Card& card, const kernels::cuda::LinearKernel& kernel,
            const DeviceWeights& weights, const kernels::LinearSpec& spec, const kernels::LinearCall& call,
            std::byte* workspace, cuda::CUstream stream);

// Kernels of CUDA devices.
class CudaPlace final : public LinearPlace {
 public:
  CudaPlace(CudaDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
            CudaKernels kernels);
  std::vector<KernelRow> kernels() const override;
  std::string refuse(const KernelRow& kernel) const override;
  std::string refuse(const KernelRow& kernel, bool dense, int64_t tokens) const override;
  bool last_resort(const KernelRow&) const override { return false; }
  std::string needless(const Candidate& c, int64_t tokens, const std::vector<Candidate>& able) const override;
  std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) override;
  Times time(const std::vector<Candidate>& candidates, int64_t tokens) override;
  int64_t most_tokens() const override { return kernels::cuda::mma_most_tokens(question_.spec.rows); }
  int64_t most_timed_bytes() const override { return int64_t{512} << 20; }
  std::string machine() const override;
  std::string use() const override { return ""; }
  static PlaceDescription describe(const CudaDevice& device);

 private:
  using Form = std::pair<const kernels::LinearFormat*, bool>;
  static Form form_of(const Candidate& c) { return {c.kernel.cuda->format, c.dense}; }

  const std::shared_ptr<CudaDevice> device_;
  const kernels::cuda::Card card_;
  const CudaKernels kernels_;
  std::shared_ptr<const cuda::DeviceMemory> bias_;
  std::map<Form, std::shared_ptr<const kernels::PreparedWeights>> prepared_;
};

}  // namespace leno::plan
